"""The one state of a run's folder, and what it refuses."""

import errno

import pytest

from sdd.__main__ import main
from sdd.analysis.reading import read_run
from sdd.checksums import read_checksums
from sdd.errors import UserError
from sdd.files import write_checked
from sdd.runs.folder import RunFolder, State
from sdd.runs.settings import Settings
from tests.analysis.test_comparison import make_run, write_settings
from tests.report.made_runs import every_state
from tests.small import QUICK, curve_without_seconds

STATES = {
    "bad-settings": ("damaged", "settings.json is damaged"),
    "claimed": ("started", "has not finished its first level"),
    "cut": ("damaged", "marked as finished, but its curve.csv holds only"),
    "finished": ("finished", None),
    "nowhere": ("new", "is not there"),
    "no-settings": ("damaged", "is no run: it holds a curve.csv but no settings.json"),
    "pictures": ("other", "is no run: it holds a.png"),
    "short": ("damaged", "marked as finished, but its curve.csv holds only 12 of its 20 levels"),
    "started": ("started", "has not finished its first level"),
    "summary": ("damaged", "summary.json is damaged"),
    "unfinished": ("unfinished", "unfinished, with 12 of its 20 levels"),
}


def test_every_state_and_its_reason(tmp_path):
    every_state(tmp_path)
    (tmp_path / "empty").mkdir()
    for name, (state, reason) in (STATES | {"empty": ("new", "is empty")}).items():
        found = RunFolder(tmp_path / name).state()
        assert found.name == state, name
        assert found.reason is None if reason is None else str(found.reason).startswith(reason), name
        assert RunFolder(tmp_path / name).finished == (state == "finished")


def test_a_summary_without_a_curve_and_a_curve_without_a_row_are_damage(tmp_path):
    run = make_run(tmp_path / "run", 0)
    (run / "curve.csv").write_text("level\n")
    assert RunFolder(run).state().reason == "curve.csv holds no level"
    (run / "curve.csv").unlink()
    assert RunFolder(run).state().reason == "has a summary.json but no curve.csv"


def test_new_checksums_are_of_the_runs_own_files_alone(tmp_path):
    run = make_run(tmp_path / "run", 0)
    (run / "mine.csv").write_text("1")
    (run / "mine.json").write_text("{}")
    RunFolder(run).renew_checksums()
    assert read_checksums(run).keys() == {path.name for path in RunFolder(run).own_files if path.is_file()}
    (run / "mine.json").write_text("[]")
    assert RunFolder(run).damaged_tables() == []
    (run / "curve.csv").write_text("level\n")
    assert len(RunFolder(run).damaged_tables()) == 1


@pytest.mark.parametrize(("number", "said"), [(errno.EACCES, False), (errno.EROFS, False), (errno.EIO, True)])
def test_where_nobody_may_write_what_is_half_written_stays_and_other_trouble_is_told(
    tmp_path, monkeypatch, capsys, number, said
):
    part = tmp_path / ".curve.csv-x.part"
    part.touch()

    def refused(*_):
        raise OSError(number, "as the disk says")

    with monkeypatch.context() as patch:
        patch.setattr("sdd.runs.folder.try_lock", refused)
        RunFolder(tmp_path).tidy()
    told = (
        f"{tmp_path}: what a killed process has left half written could not be removed ([Errno 5] as the disk says)\n"
    )
    assert capsys.readouterr().err == (told if said else "")
    assert part.exists()
    RunFolder(tmp_path).tidy()
    assert not part.exists()


def test_a_curve_that_was_there_and_has_gone_is_not_one_that_no_level_has_written(tmp_path):
    run = make_run(tmp_path / "run", 0)
    (run / "summary.json").unlink()
    for content in ((run / "curve.csv").read_text(), (run / "curve.csv").read_text() + "\n"):
        write_checked(run / "curve.csv", content)
    (run / "curve.csv").unlink()
    assert RunFolder(run).state() == State("started", "has lost its curve.csv")
    with pytest.raises(UserError, match=r"run has lost its curve\.csv"):
        read_run(run)


def test_a_summary_that_was_there_and_has_gone_is_damage(tmp_path):
    run = make_run(tmp_path / "run", 0)
    write_checked(run / "summary.json", "{}\n")
    write_checked(run / "data.json", "{}\n")  # by then the summary must be there
    (run / "summary.json").unlink()
    assert RunFolder(run).state() == State("damaged", "summary.json is missing; its curve.csv is used")


NONE = Settings({}, {})


@pytest.mark.parametrize(
    "left",
    [
        [".lock"],
        [".lock", ".settings.json-x.part"],
        [".lock", "config.yaml"],
        [".lock", "config.yaml", "environment.json", "data.json", "levels/level-000.ckpt"],
        ["levels/level-000.ckpt"],
        ["levels/.level-000.ckpt-x.part"],
    ],
)
def test_what_a_start_leaves_that_was_ended_is_new(tmp_path, left):
    _files(tmp_path, left)
    assert RunFolder(tmp_path).check_settings(NONE) == {}
    assert RunFolder(tmp_path).state().name == "started"


@pytest.mark.parametrize(
    "left",
    [
        ["config.yaml"],
        [".lock", "notes.txt"],
        [".lock", "config.yaml", "curve.csv"],
        [".lock", "levels/level-000.ckpt", "levels/level-001.ckpt"],
        [".lock", "checkpoints/epoch-000001.ckpt"],
        [".lock", "levels"],
    ],
)
def test_what_no_start_leaves_is_kept(tmp_path, left):
    _files(tmp_path, left)
    with pytest.raises(UserError, match="is not empty and holds no run"):
        RunFolder(tmp_path).check_settings(NONE)


def _files(folder, names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")


def test_a_folder_of_an_earlier_format_is_refused_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "settings.json").write_text('{"seed_everything": 0}')
    assert main([*QUICK, "--run_dir", "old"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "old/settings.json was written before its format had a number" in line


def test_a_damaged_run_is_written_anew_from_its_checkpoint_or_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*QUICK, "--run_dir", "run"]) == 0
    rows = curve_without_seconds(tmp_path / "run")
    for file in ("summary.json", "curve.csv"):
        (tmp_path / "run" / file).write_text("{")
        assert not RunFolder("run").finished
        assert main([*QUICK, "--run_dir", "run"]) == 0
        assert RunFolder("run").finished
        assert curve_without_seconds(tmp_path / "run") == rows
    (tmp_path / "run" / "summary.json").write_text("{")
    for path in RunFolder("run").checkpoints():
        path.unlink()
    capsys.readouterr()
    assert main([*QUICK, "--run_dir", "run"]) == 2
    assert "run is damaged: summary.json is damaged" in capsys.readouterr().err


def test_environment_that_cannot_be_read_is_a_line(tmp_path):
    run = RunFolder(make_run(tmp_path / "run", 0))
    assert run.environment() == {}
    for text, words in (("{", "is damaged"), ("[]", "it holds no values by name")):
        run.environment_file.write_text(text)
        with pytest.raises(UserError, match=words):
            run.environment()


def test_a_run_that_is_gone_on_with_stays_what_it_was_started_as(tmp_path):
    folder = RunFolder(tmp_path)
    write_settings(tmp_path, {"a": 1, "b": 2}, chosen={"a": 1})
    held = folder.settings()
    assert held is not None
    folder.write_config("", type(held)({"a": 1, "b": 2}, {"a": 1, "b": 2, "new": 3}))
    again = folder.settings()
    assert again is not None
    assert (again.chosen, again.values) == ({"a": 1}, {"a": 1, "b": 2, "new": 3})


def test_checkpoints_of_others_are_not_taken_for_the_runs_own(tmp_path):
    folder = RunFolder(tmp_path)
    names = ("epoch-000003.ckpt", "epoch-1000000.ckpt", "epoch-3.ckpt", "epoch-epoch=3.ckpt", "epoch-000003-v1.ckpt")
    folder.checkpoint(3).parent.mkdir()
    for name in (*names, "last.ckpt"):
        (folder.checkpoint(3).parent / name).touch()
    assert [path.name for path in folder.checkpoints()] == ["epoch-1000000.ckpt", "epoch-000003.ckpt"]
