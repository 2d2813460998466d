"""Many runs as one table: every number that of its file, and the examples of its documentation."""

import csv
import json
import math
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from sdd.analysis import load_runs
from sdd.analysis.curve import read_curve, write_curve
from sdd.analysis.phases import phases_of
from sdd.errors import UserError
from tests.analysis.test_comparison import LEVELS, make_run
from tests.analysis.test_one_shot import SHARES, make_part

RATES = (0, 0.2, 0.4)


@pytest.fixture
def grid(tmp_path):
    """Three noise rates, two seeds each; one run is unfinished."""
    for rate in RATES:
        for seed in range(2):
            whole = (rate, seed) != (0.4, 1)
            make_run(
                tmp_path / "runs" / f"rate{rate}-s{seed}",
                seed,
                finished=whole,
                levels=LEVELS if whole else 7,
                **{"data.noise_rate": rate, "model.net.init_args.widths": [300, 100], "pruning.stop_loss": None},
            )
    return tmp_path / "runs"


def test_every_number_is_that_of_its_curve(grid):
    runs = load_runs(grid)
    assert len(runs) == 5 * LEVELS + 7
    for folder in grid.iterdir():
        mine = runs[runs["run"] == folder.name]
        with (folder / "curve.csv").open() as file:
            lines = list(csv.DictReader(file))
        assert len(mine) == len(lines)
        for name in lines[0]:
            for cell, value in zip((line[name] for line in lines), mine[name], strict=True):
                assert repr(value.item() if hasattr(value, "item") else value) == cell, name
        assert (mine["path"] == str(folder)).all()


def test_every_setting_is_a_column_and_groupby_takes_it(grid):
    runs = load_runs([str(grid)])
    held = json.loads((grid / "rate0.2-s1" / "settings.json").read_text())["values"]
    mine = runs[runs["run"] == "rate0.2-s1"]
    for key, value in held.items():
        cell = mine[key].iloc[0]
        if value is None:
            assert pd.isna(cell)
        else:
            assert cell == (json.dumps(value) if isinstance(value, list) else value)
        assert mine[key].nunique(dropna=False) == 1
    counts = runs.groupby(["model.net.init_args.widths", "data.noise_rate"]).size()
    assert counts.to_dict() == {
        ("[300, 100]", 0.0): 2 * LEVELS,
        ("[300, 100]", 0.2): 2 * LEVELS,
        ("[300, 100]", 0.4): LEVELS + 7,
    }


def test_types(grid):
    make_run(grid / "few", 9, levels=3, flatness=False, **{"pruning.levels": 2, "trainer.deterministic": True})
    types = load_runs(grid).dtypes.astype(str)
    assert {name: types[name] for name in ("level", "remaining", "seed_everything", "pruning.levels")} == dict.fromkeys(
        ("level", "remaining", "seed_everything", "pruning.levels"), "int64"
    )
    assert {types[name] for name in ("sparsity", "test_acc", "data.noise_rate", "sharpness")} == {"float64"}
    assert types["hessian_top_iterations"] == "Int64"
    assert types["finished"] == "bool"
    assert types["trainer.deterministic"] == "boolean"


def test_what_is_known_of_runs(grid):
    runs = load_runs(grid)
    assert set(runs["group"]) == {f"data.noise_rate={rate}" for rate in RATES}
    part = runs[runs["run"] == "rate0.4-s1"]
    assert not part["finished"].any()
    assert set(part["problem"]) == {f"unfinished, with 7 of its {LEVELS} levels"}
    assert runs.loc[runs["run"] != "rate0.4-s1", "finished"].all()
    one = runs[runs["run"] == "rate0.2-s0"]
    names = phases_of(read_curve(grid / "rate0.2-s0" / "curve.csv")).names
    assert set(names) == {"light", "critical", "sweet", "collapsed"}
    assert list(one["phase"]) == list(names)
    assert part["phase"].isna().all()


def test_the_example_of_the_documentation(grid):
    runs = load_runs(grid)
    mean = runs.groupby(["data.noise_rate", "sparsity"])["test_acc"].mean().unstack("data.noise_rate")
    assert list(mean.columns) == [0.0, 0.2, 0.4]
    rows = [read_curve(grid / f"rate0.2-s{seed}" / "curve.csv")[5] for seed in range(2)]
    assert mean.loc[rows[0]["sparsity"], 0.2] == (rows[0]["test_acc"] + rows[1]["test_acc"]) / 2
    wide = runs[runs["finished"]].pivot(index="level", columns="run", values="test_acc")
    assert wide.shape == (LEVELS, 5)
    assert wide.notna().all().all()


def test_a_measure_that_is_empty_or_not_a_number_is_missing(tmp_path):
    folder = make_run(tmp_path / "run", 0)
    rows = read_curve(folder / "curve.csv")
    del rows[3]["test_acc"]
    rows[4]["test_loss"] = math.nan
    write_curve(folder / "curve.csv", rows)
    runs = load_runs(folder)
    assert runs["test_acc"].isna().to_list() == [level == 3 for level in range(LEVELS)]
    assert runs["test_loss"].isna().to_list() == [level == 4 for level in range(LEVELS)]


def test_runs_of_one_sparsity_each_count_their_dense_level_once(tmp_path):
    for seed in range(2):
        for share in SHARES:
            make_part(tmp_path, seed, share)
    runs = load_runs(tmp_path)
    counts = runs.groupby(["group", "sparsity"])["test_acc"].agg(["count", "std"])
    assert list(counts["count"]) == [2] * 7
    assert counts["std"].iloc[0] == pytest.approx(0.001 / math.sqrt(2))
    row = runs[(runs["seed_everything"] == 1) & (runs["sparsity"] == 0.9)].iloc[0]
    assert row["level"] == 4
    assert row["test_acc"] == 0.45
    assert read_curve(f"{row['path']}/curve.csv")[1]["sparsity"] == 0.9
    apart = load_runs(tmp_path, join=False)
    assert len(apart) == 2 * 2 * len(SHARES)
    assert set(apart["pruning.sparsities"]) == {f"[{share}]" for share in SHARES}


def test_a_folder_that_cannot_be_used_is_warned_of_by_name(grid):
    (grid / "rate0-s0" / "curve.csv").write_text("x\n")
    with pytest.warns(UserWarning, match=r"rate0-s0|nowhere") as caught:
        runs = load_runs([grid, grid.parent / "nowhere"])
    first, second = (str(warning.message) for warning in caught)
    assert "rate0-s0/curve.csv, line 1: not the header" in first
    assert "nowhere is not there" in second
    assert "rate0-s0" not in set(runs["run"])
    assert {warning.filename for warning in caught} == {__file__}


def test_a_copy_of_a_run_does_not_count_twice(grid):
    shutil.copytree(grid / "rate0-s0", grid / "copy")
    with pytest.warns(UserWarning, match="rate0-s0 is left out: it repeats"):
        runs = load_runs(grid)
    assert (runs["data.noise_rate"] == 0).sum() == 2 * LEVELS


def test_folders_of_one_name_are_told_apart(tmp_path):
    for place, seed in (("a", 0), ("b", 1)):
        make_run(tmp_path / place / "run", seed)
    runs = load_runs([tmp_path / "a", tmp_path / "b"])
    assert set(runs["run"]) == {str(tmp_path / place / "run") for place in "ab"}


@pytest.mark.parametrize("paths", [[], ["nowhere"], "nowhere", ["nowhere", "elsewhere"]])
@pytest.mark.filterwarnings("error")
def test_no_run_at_all_is_an_error_of_one_line(tmp_path, monkeypatch, paths):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="there is no run to read") as caught:
        load_runs(paths)
    assert "\n" not in str(caught.value)
    assert ("nowhere" in str(caught.value)) == bool(paths)
    assert ("elsewhere is not there" in str(caught.value)) == (len(paths) == 2)


def test_a_measure_with_the_name_of_another_column_is_refused(tmp_path):
    folder = make_run(tmp_path / "run", 0)
    rows = [row | {"phase": 1.0} for row in read_curve(folder / "curve.csv")]
    write_curve(folder / "curve.csv", rows)
    with pytest.raises(UserError, match="measure phase has the name of another column"):
        load_runs(folder)


def test_a_training_run_does_not_import_pandas_for_it():
    code = (
        "import sys, sdd.analysis.summary, sdd.analysis.curve; assert 'pandas' not in sys.modules;"
        "from sdd.analysis import load_runs; assert 'pandas' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    import sdd.analysis

    with pytest.raises(AttributeError, match="no attribute 'load_run'"):
        _ = sdd.analysis.load_run
