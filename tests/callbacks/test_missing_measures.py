"""A run may be measured more after it has been trained: the same numbers as if it had been measured from the start."""

import json

import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.columns import read_columns
from sdd.analysis.curve import read_curve
from tests.golden.cases import FLATNESS
from tests.small import QUICK, curve_without_seconds, keep_both_checkpoints

SPECTRUM = ["--flatness.spectrum", "true", "--flatness.spectrum_steps", "3", "--flatness.spectrum_points", "9"]
OTHERS = [f"--{name}=true" for name in ("distance.per_layer", "calibration.ece", "entropy.activation")]
MEASURED = [*FLATNESS, *SPECTRUM, "--flatness.examples", "60", *OTHERS]
PARTLY = ["--flatness.loss_curves", "true", "--flatness.examples", "60"]  # the rest is measured later, beside it


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fit(folder, *arguments):
    return main([*QUICK, "--threads", "1", *arguments, "--run_dir", folder])


def tables(folder):
    columns = json.loads((folder / "columns.json").read_text())["columns"]
    by_name = {column["name"]: column for column in columns}
    written = [(folder / f"{name}.csv").read_text() for name in ("loss_curves", "spectrum")]
    return curve_without_seconds(folder), written, by_name


@pytest.mark.parametrize(
    "pruning",
    [
        ["--pruning.rewind_steps", "2"],
        pytest.param(["--pruning.retrain", "lr_rewind", "--pruning.frozen", "final"], marks=pytest.mark.slow),
        pytest.param(["--pruning.retrain", "scratch"], marks=pytest.mark.slow),
    ],
    ids=["lottery", "lr_rewind", "scratch"],
)
def test_a_finished_run_that_is_measured_later_is_as_if_it_had_been_measured(tmp_path, capsys, pruning):
    assert fit("from_start", *pruning, *MEASURED) == 0
    assert fit("later", *pruning, *PARTLY) == 0
    trained = (tmp_path / "later" / "levels" / "level-003.ckpt").stat().st_mtime_ns
    capsys.readouterr()
    assert fit("later", *pruning, *MEASURED) == 0
    assert "is finished; its stored levels are measured" in capsys.readouterr().err
    assert tables(tmp_path / "later") == tables(tmp_path / "from_start")
    assert (tmp_path / "later" / "levels" / "level-003.ckpt").stat().st_mtime_ns == trained, "nothing is trained again"
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("later", "from_start")]
    assert summaries[0] == summaries[1]
    written = (tmp_path / "later" / "curve.csv").stat().st_mtime_ns
    for arguments in (pruning, [*pruning, *MEASURED]):
        capsys.readouterr()
        assert fit("later", *arguments) == 0
        assert capsys.readouterr().out.startswith("later is finished")
    assert (tmp_path / "later" / "curve.csv").stat().st_mtime_ns == written


@pytest.mark.slow
def test_what_was_measured_later_stays_when_more_is_measured_still_later(tmp_path):
    assert fit("from_start", "--flatness.sharpness", "true", "--distance.per_layer", "true") == 0
    assert fit("later") == 0
    assert fit("later", "--flatness.sharpness", "true", "--flatness.levels", "[0,3]") == 0
    rows = curve_without_seconds(tmp_path / "later")
    place = rows[0].index("sharpness")
    assert [bool(cells[place]) for cells in rows[1:]] == [True, False, False, True]
    assert fit("later", "--flatness.sharpness", "true") == 0
    assert fit("later", "--distance.per_layer", "true") == 0
    found, wanted = (curve_without_seconds(tmp_path / name) for name in ("later", "from_start"))
    by_name = [{name: [row[place] for row in rows] for place, name in enumerate(rows[0])} for rows in (found, wanted)]
    assert by_name[0] == by_name[1]


@pytest.mark.slow
def test_a_run_of_a_version_with_another_distance_gets_todays_from_its_stored_levels(tmp_path, capsys):
    pruning = ["--pruning.rewind_steps", "2"]
    assert fit("from_start", *pruning, "--distance.per_layer", "true") == 0
    assert fit("earlier", *pruning, "--distance.path", "true") == 0
    folder = tmp_path / "earlier"
    _as_before(folder, today=("distance_start", "distance", "remaining_fraction"))
    assert "distance" not in read_curve(folder / "curve.csv")[0]
    assert fit("earlier", *pruning, "--distance.per_layer", "true", "--distance.path", "true") == 2
    assert "level 0 was trained without it" in capsys.readouterr().err
    assert fit("earlier", *pruning, "--distance.per_layer", "true") == 0
    assert curve_without_seconds(folder) == curve_without_seconds(tmp_path / "from_start")
    columns = [read_columns(tmp_path / name) for name in ("earlier", "from_start")]
    assert columns[0] == columns[1]


@pytest.mark.slow
def test_a_run_of_a_version_without_remaining_fraction_is_gone_on_with(tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    assert fit("from_start") == 0
    assert fit("earlier", "--checkpoint.every_n_epochs", "1") == 0
    folder = tmp_path / "earlier"
    for left in sorted((folder / "checkpoints").iterdir())[1:]:
        left.unlink()  # the one before is in mid-level
    (folder / "summary.json").unlink()
    _as_before(folder, today=("remaining_fraction",))
    assert "remaining_fraction" not in (folder / "curve.csv").read_text()
    assert fit("earlier") == 0
    assert curve_without_seconds(folder) == curve_without_seconds(tmp_path / "from_start")
    assert read_columns(folder) == read_columns(tmp_path / "from_start")


def _as_before(folder, today):
    """Make a run what the version before some columns would have left.

    Args:
        folder: Of the run.
        today: Columns that it did not have; the one before `distance_start` measured its `distance` so.
    """

    def before(entry):
        held = {name: value for name, value in entry.items() if name not in today}
        return held | (
            {"distance": entry["distance_start"]} if "distance" in today and "distance_start" in entry else {}
        )

    def columns(entries):
        start = [entry for entry in entries if entry["name"] == "distance_start" and "distance" in today]
        return [entry | {"label": "old", "name": "distance"} for entry in start] + [
            entry for entry in entries if entry["name"] not in today
        ]

    for path in (folder / "checkpoints").iterdir():
        content = torch.load(path, weights_only=True)
        states = content["callbacks"]
        recorder = next(state for state in states.values() if "rows" in state)
        recorder |= {"rows": list(map(before, recorder["rows"])), "columns": columns(recorder["columns"])}
        for state in (state for state in states.values() if state.get("table")):
            state["table"] = list(map(before, state["table"]))
        torch.save(content, path)
    described = json.loads((folder / "columns.json").read_text())
    (folder / "columns.json").write_text(json.dumps(described | {"columns": columns(described["columns"])}))
    header, *lines = (folder / "curve.csv").read_text().splitlines()
    left_out = {*today} - {"distance"}
    places = [place for place, name in enumerate(header.split(",")) if name not in left_out]
    kept = [",".join(line.split(",")[place] for place in places) for line in (header, *lines)]
    (folder / "curve.csv").write_text("\n".join(kept) + "\n")
    (folder / "checksums.json").unlink()


@pytest.mark.slow
def test_a_run_that_is_gone_on_with_is_measured_at_its_earlier_levels_too(tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    assert fit("from_start", *MEASURED) == 0
    assert fit("later", "--checkpoint.every_n_epochs", "1") == 0
    for left in sorted((tmp_path / "later" / "checkpoints").iterdir())[1:]:
        left.unlink()  # the one before is in mid-level
    (tmp_path / "later" / "summary.json").unlink()
    assert fit("later", *MEASURED) == 0
    assert tables(tmp_path / "later") == tables(tmp_path / "from_start")


@pytest.mark.parametrize(
    ("first", "then", "damage", "word"),
    [
        ([], ["--distance.path", "true"], None, "level 0 was trained without it"),
        ([], MEASURED, "levels/level-001.ckpt", "level-001.ckpt is not there whole"),
        ([], MEASURED, "checkpoints/*", "no checkpoint left"),
        (
            ["--flatness.sharpness", "true"],
            ["--flatness.sharpness", "true", "--flatness.rho", "0.1"],
            None,
            "sharpness would be measured with rho 0.1, but the levels so far were with 0.05",
        ),
    ],
    ids=["path", "level", "checkpoint", "otherwise"],
)
def test_what_cannot_be_exact_is_refused_in_one_line(tmp_path, capsys, first, then, damage, word):
    assert fit("run", *first) == 0
    before = curve_without_seconds(tmp_path / "run")
    for path in (tmp_path / "run").glob(damage) if damage else ():
        path.unlink()
    capsys.readouterr()
    assert fit("run", *then) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert word in line
    assert curve_without_seconds(tmp_path / "run") == before


@pytest.mark.slow
def test_an_own_measure_says_whether_it_can_be_taken_later(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_later.py").write_text(
        "from sdd.callbacks import LevelCallback\n"
        "from sdd.measures.columns import Column\n"
        "class Norm(LevelCallback):\n"
        "    measures_later = True\n"
        "    def columns(self):\n"
        "        return [Column('norm', 'norm of all weights')]\n"
        "    def measure_level(self, trainer, pl_module, level):\n"
        "        return {'norm': sum(p.detach().double().square().sum() for p in pl_module.net.parameters()) ** 0.5}\n"
        "class Only(Norm):\n"
        "    measures_later = False\n"
    )
    norm = ["--trainer.callbacks", "own_later.Norm"]
    assert fit("from_start", *norm) == 0
    assert fit("later") == 0
    assert fit("later", "--trainer.callbacks", "own_later.Only") == 2
    assert "Only measures a level only while it is trained" in capsys.readouterr().err
    assert fit("later", *norm) == 0
    assert curve_without_seconds(tmp_path / "later") == curve_without_seconds(tmp_path / "from_start")
