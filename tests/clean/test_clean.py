"""`python -m sdd clean`: what is freed, what stays, and what later commands say of it."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from sdd.__main__ import main
from sdd.errors import UserError
from sdd.runs.checkpoint_file import read_checkpoint
from sdd.runs.folder import RunFolder
from sdd.runs.level_file import kept_of, read_level
from sdd.runs.trained_levels import StoredLevels
from tests.small import QUICK

RUN = [*QUICK, "--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--preflight", "false"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main([*RUN, "--run_dir", "runs/done"]) == 0
    return place


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """A finished run; one that has stopped; one that is named by a third; and what is no run."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("stopped", "source", "named"):
        shutil.copytree("runs/done", f"runs/{name}")
    for name in ("summary.json", "checksums.json"):
        Path("runs/stopped", name).unlink()
    held = json.loads(Path("runs/named/settings.json").read_text())
    held["values"]["pruning.masks_from"] = "runs/source"
    Path("runs/named/settings.json").write_text(json.dumps(held))
    Path("runs/named/checksums.json").unlink()
    for level in Path("runs/named/levels").iterdir():  # is then of another run, and may not say of which
        torch.save({name: value for name, value in torch.load(level).items() if name != "run"}, level)
    Path("runs/notes").mkdir()
    Path("runs/notes/epoch-000001.ckpt").write_text("mine")
    return tmp_path


def files(folder="runs"):
    return {
        path: path.stat().st_size for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.name != ".lock"
    }


def test_a_dry_run_says_what_goes_and_touches_nothing(here, capsys):
    before = files()
    assert main(["clean", "runs", "--levels", "none", "--dry_run"]) == 0
    assert files() == before
    said = capsys.readouterr().out
    assert said.startswith("would go: the last checkpoint, from which")
    assert "runs/stopped: left as it is: unfinished" in said
    assert "runs/source: left as it is: " in said
    assert "named may build on it (pruning.masks_from); --sources" in said
    freed = sum(size for path, size in before.items() if path.suffix == ".ckpt" and path.parts[1] in {"done", "named"})
    assert f"{freed / 1e6:,.1f} MB would be freed" in said


def test_what_a_link_leads_to_elsewhere_is_left_as_it_is(here, capsys):
    Path("elsewhere").mkdir()
    shutil.move("runs/done", "elsewhere/done")
    Path("runs/done").symlink_to(Path("elsewhere/done").resolve())
    before = files("elsewhere")
    assert main(["clean", "runs", "--levels", "none", "--sources"]) == 0
    assert files("elsewhere") == before
    assert (
        f"runs/done: left as it is: a link leads to it; give {Path('elsewhere/done').resolve()}"
        in capsys.readouterr().out
    )
    Path("all").symlink_to(Path("elsewhere").resolve())  # the folder itself may be one
    assert main(["clean", "all", "--levels", "none", "--sources"]) == 0
    assert files("elsewhere") != before


def test_checkpoints_go_and_levels_stay_unless_asked(here, capsys):
    before = files()
    assert main(["clean", "runs"]) == 0
    gone = before.keys() - files().keys()
    assert gone == {path for path in before if path.parts[1] in {"done", "named"} and path.parts[2] == "checkpoints"}
    assert main(["clean", "runs/source", "--sources", "--levels", "none"]) == 0
    assert not [path for path in files("runs/source") if path.suffix == ".ckpt"]
    assert main([*RUN, "--run_dir", "runs/done"]) == 0
    assert "is finished" in capsys.readouterr().out
    assert main(["test", *RUN[1:], "--run_dir", "runs/done"]) == 0  # of its last level
    assert main([*RUN, "--run_dir", "runs/done", "--calibration.ece", "true"]) == 2
    assert "has no checkpoint left to measure more" in capsys.readouterr().err


def test_what_goes_is_said_once_it_has_gone(here, capsys):
    assert main(["clean", "runs/done", "runs/stopped"]) == 0
    first, second, gone, sum_ = capsys.readouterr().out.splitlines()
    assert first.endswith(" MB")
    assert "runs/stopped: left as it is" in second
    assert gone.startswith("gone: the last checkpoint, from which")
    assert sum_.endswith(" MB freed")
    assert main(["clean", "runs/done"]) == 0
    assert capsys.readouterr().out.splitlines() == ["  runs/done: 0.0 MB", "0.0 MB freed"]
    assert main(["clean", "runs/done", "--levels", "masks"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("gone: the weights of the levels, which test")


def test_what_may_not_be_removed_is_said_and_costs_no_other_run(here, capsys, monkeypatch):
    unlink, before = Path.unlink, files()

    def refused(path, missing_ok=False):
        if path.parts[:2] == ("runs", "done") and path.name in {"epoch-000002.ckpt", "level-001.ckpt"}:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    shutil.copy("runs/done/checkpoints/epoch-000002.ckpt", "runs/done/checkpoints/epoch-000003.ckpt")
    assert main(["clean", "runs/done", "runs/named", "--levels", "none"]) == 1
    said = capsys.readouterr()
    size = before[Path("runs/done/checkpoints/epoch-000002.ckpt")]
    assert said.err == (
        f"  runs/done: {size / 1e6:,.1f} MB, the rest could not be freed: [Errno 13] Permission denied: "
        "'runs/done/checkpoints/epoch-000002.ckpt'\n"
    )
    gone = sum(held for path, held in before.items() if path.suffix == ".ckpt" and path.parts[1] == "named")
    assert said.out.splitlines()[-1] == f"{(size + gone) / 1e6:,.1f} MB freed"
    assert said.out.splitlines()[-2].startswith("gone: the last checkpoint")
    assert {path for path in files("runs/named") if path.suffix == ".ckpt"} == set()


def test_nothing_is_said_to_have_gone_where_nothing_may_be_removed(here, capsys, monkeypatch):
    def refused(path, missing_ok=False):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    assert main(["clean", "runs/done"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("  runs/done: could not be freed: [Errno 13] Permission denied: ")
    assert said.out == "0.0 MB freed\n"


def test_masks_alone_are_the_same_masks_and_the_weights_are_missed_in_a_line(here, capsys):
    masks = read_level("runs/done/levels/level-001.ckpt").masks
    for _ in range(2):  # the second time there is nothing to do
        assert main(["clean", "runs/done", "--levels", "masks"]) == 0
    assert capsys.readouterr().out.endswith("0.0 MB freed\n")
    levels = StoredLevels(RunFolder("runs/done"))
    assert all(torch.equal(mask, masks[name]) for name, mask in levels.masks(1).items())
    assert levels.masks(1).keys() == masks.keys()
    with pytest.raises(UserError, match=r"level-001.ckpt holds masks alone"):
        levels.weights(1)
    assert main(["test", *RUN[1:], "--run_dir", "runs/done"]) == 2
    assert main([*RUN, "--run_dir", "new", "--pruning.retrain", "redense", "--pruning.masks_from", "runs/done"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert sum("holds masks alone" in line for line in lines) == 2
    assert not any("Traceback" in line for line in lines)


@pytest.mark.parametrize("way", ["kept", "cleaned"])
def test_weights_in_16_bits_can_be_tested_and_whoever_wants_them_exactly_is_told(here, capsys, way):
    exact = read_level("runs/done/levels/level-001.ckpt")
    curve = Path("runs/done/curve.csv").read_text().split(",seconds")[0]
    if way == "cleaned":
        for _ in range(2):
            assert main(["clean", "runs/done", "--levels", "half"]) == 0
        assert capsys.readouterr().out.endswith("0.0 MB freed\n")
    else:
        shutil.rmtree("runs/done")
        assert main([*RUN, "--run_dir", "runs/done", "--checkpoint.level_precision", "half"]) == 0
        assert Path("runs/done/curve.csv").read_text().split(",seconds")[0] == curve
    rounded = read_level("runs/done/levels/level-001.ckpt")
    for name, weight in exact.weights.items():
        expected = weight.half().float() if weight.ndim == 2 else weight
        assert rounded.weights[name].equal(expected), name
    assert all(rounded.masks[name].equal(mask) for name, mask in exact.masks.items())
    level = ["--ckpt_path", "runs/done/levels/level-001.ckpt"]
    capsys.readouterr()
    assert main(["test", *RUN[1:], "--run_dir", "runs/done", *level]) == 0
    assert "level-001.ckpt, whose weights are kept in 16 bits" in capsys.readouterr().err
    levels = StoredLevels(RunFolder("runs/done"))
    assert levels.masks(1).keys() == exact.masks.keys()
    with pytest.raises(UserError, match=r"level-001.ckpt holds its weights in 16 bits .*wanted exactly"):
        levels.weights(1)
    assert main([*RUN, "--run_dir", "new", "--pruning.retrain", "redense", "--pruning.masks_from", "runs/done"]) == 2
    unkept = ["--checkpoint.level_precision", "half", "--checkpoint.keep_levels", "masks"]
    assert main([*RUN, "--run_dir", "other", *unkept]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert sum("wanted exactly" in line for line in lines) == 1
    assert sum("checkpoint.keep_levels masks keeps no weights" in line for line in lines) == 1


def test_a_run_in_work_and_what_is_no_run_are_left(here, capsys):
    before = files("runs/done")
    with RunFolder("runs/done").owned():
        assert main(["clean", "runs/done"]) == 0
    assert "left as it is: runs/done is being worked on" in capsys.readouterr().out
    assert files("runs/done") == before
    assert main(["clean", "runs/notes"]) == 2
    said = capsys.readouterr()
    assert "holds no run" in said.err
    assert said.out == ""


def test_paths_are_read_as_all_commands_read_them(here, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    assert main(["clean", "~/runs/done", "--dry_run"]) == 0
    held = json.loads(Path("runs/named/settings.json").read_text())
    for written in ("$HOME/runs/source", "~/runs/source"):
        held["values"]["pruning.masks_from"] = written
        Path("runs/named/settings.json").write_text(json.dumps(held))
        assert main(["clean", "runs/source", "--dry_run"]) == 0
        assert "named may build on it" in capsys.readouterr().out
    held["values"]["pruning.masks_from"] = "$NOWHERE_AT_ALL/source"
    Path("runs/named/settings.json").write_text(json.dumps(held))
    assert main(["clean", "runs/source", "--dry_run"]) == 2
    assert "pruning.masks_from of " in capsys.readouterr().err


def test_a_source_that_is_named_from_elsewhere_stays(here, capsys, monkeypatch):
    monkeypatch.chdir("runs")
    assert main(["clean", "source", "done", "--dry_run"]) == 0
    said = capsys.readouterr().out
    assert "source: left as it is: " in said
    assert "done: left as it is" not in said


def test_chosen_levels_beyond_those_of_the_trial_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = [*QUICK, "--pruning.levels", "2", "--pruning.epochs_per_level", "1", "--run_dir", "chosen"]
    assert main([*run, "--checkpoint.keep_levels", "[0, 2]"]) == 0
    assert RunFolder("chosen").stored_levels() == [0, 2]


def test_what_is_kept_of_a_level(here):
    content = dict(read_checkpoint(Path("runs/done/levels/level-001.ckpt")))
    assert kept_of(content, 1, keep=True) is kept_of(content, 1, keep=[0, 1]) is content
    assert kept_of(content, 1, keep=False) is kept_of(content, 1, keep=[0]) is None
    assert not [name for name in kept_of(content, 1, keep="masks")["state_dict"] if name.startswith("net.")]


@pytest.mark.slow
def test_runs_at_chosen_levels_and_with_masks_alone(here, capsys):
    assert main([*RUN, "--run_dir", "one", "--checkpoint.keep_levels", "[1]"]) == 0
    assert RunFolder("one").stored_levels() == [1]
    assert main([*RUN, "--run_dir", "masks", "--checkpoint.keep_levels", "masks"]) == 0
    for folder in ("one", "masks"):
        assert (
            Path(folder, "curve.csv").read_text().split(",seconds")[0]
            == Path("runs/done/curve.csv").read_text().split(",seconds")[0]
        )
    assert main([*RUN, "--run_dir", "tickets", "--pruning.retrain", "scratch", "--pruning.masks_from", "masks"]) == 0
    assert main([*RUN, "--run_dir", "no", "--pruning.retrain", "scratch", "--pruning.masks_from", "one"]) == 2
    assert main([*RUN, "--run_dir", "no", "--checkpoint.keep_levels", "[2]"]) == 2
    assert "checkpoint.keep_levels names level 2" in capsys.readouterr().err
