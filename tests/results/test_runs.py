"""What is trained for RESULTS.md, what is kept of it, and that this version of sdd still finds the same."""

import json
import shutil

import pytest
import torch

import sdd
from results.__main__ import results
from results.curves import plan_curves, read_tasks
from results.evidence import FOLDER, Evidence, rows_of_seeds
from results.float64 import Experiment
from results.store import keep
from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.analysis.reading import read_run
from sdd.errors import UserError
from sdd.files import read_table
from tests.small import CONFIG

SMALL = """
a_task:
  about: little
  config: {config}
  seeds: 2
  minutes: 1
  settings: {settings}
  curves: {{one: {{}}}}
"""


@pytest.fixture
def little(tmp_path, monkeypatch):
    """The two planned runs of a small task."""
    monkeypatch.chdir(tmp_path)
    settings = {"data.train_size": 200, "pruning.levels": 2, "pruning.epochs_per_level": 2, "progress.show": "none"}
    (tmp_path / "curves.yaml").write_text(SMALL.format(config=CONFIG, settings=json.dumps(settings)))
    curves = read_tasks(tmp_path / "curves.yaml")["a_task"].curves.values()
    return plan_curves([*curves], tmp_path / "runs")


def test_what_is_kept_of_a_run_is_read_as_the_run_is(little, tmp_path):
    with pytest.raises(UserError, match=r"a_task/one-s0: .* is not finished"):
        keep(little[0], tmp_path / "kept")
    for run in little:
        assert main(list(run.planned.arguments)) == 0
        keep(run, tmp_path / "kept")
    for run in little:
        whole, kept = read_run(run.planned.path), read_run(tmp_path / "kept" / "a_task" / run.name)
        assert kept.rows == whole.rows
        assert kept.settings == whole.settings
        assert kept.finished
    size = sum(path.stat().st_size for path in (tmp_path / "kept").rglob("*.*"))
    assert size < 60_000, "no weights"
    damaged = tmp_path / "kept" / "a_task" / "one-s0" / "curve.csv"
    damaged.write_text(damaged.read_text().replace("1", "2", 1))
    with pytest.raises(UserError, match="damaged"):
        read_run(damaged.parent)


def test_the_plan_counts_what_is_kept_and_refuses_what_it_does_not_know(capsys):
    assert results(["digits/base"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:4] == ["digits", "1", "10", "10"]
    for words, told in {
        ("digits/bass",): "there is no digits/bass .* mnist.*did you mean digits/base",
        ("--train", "--keep"): "one each",
        ("--from", "nowhere"): "nowhere, which is no folder",
        ("--from", ""): "the path is ''",
        ("--from", "docs"): "docs holds no run that results/curves.yaml asks for",
        ("digits", "--from", "docs"): "name no curves",
        ("digits", "--runs", "x"): "--runs is where --train and --keep have their runs",
        ("digits", "--keep", "--workers", "2"): "--workers is for --train",
    }.items():
        with pytest.raises(UserError, match=told):
            results([*words])


@pytest.fixture
def kept(tmp_path):
    """A copy of some of the kept runs, to be spoilt."""
    for name in ("threads_2", "full"):
        for path in (FOLDER / "digits").glob(f"{name}-s*"):
            shutil.copytree(path, tmp_path / "digits" / path.name)
    return tmp_path


def spoil(folder, run, file, old, new):
    """Replace a text of one of a run's tables, as if the run had been like that."""
    (path := folder / "digits" / run / file).write_text(path.read_text().replace(old, new))
    (folder / "digits" / run / "checksums.json").unlink()


@pytest.mark.parametrize(
    ("do", "told"),
    [
        (
            lambda at: shutil.rmtree(at / "digits/threads_2-s1"),
            "has no threads_2-s1, which results/curves.yaml asks for",
        ),
        (lambda at: shutil.move(at / "digits/threads_2-s1", at / "digits/threads_2-s3"), "has no threads_2-s1"),
        (
            lambda at: shutil.copytree(at / "digits/threads_2-s1", at / "digits/threads_2-s3"),
            "threads_2-s3 is no run that",
        ),
        (
            lambda at: spoil(at, "threads_2-s2", "settings.json", '"seed_everything": 2', '"seed_everything": 1'),
            "threads_2-s2 was trained with seed_everything 1; results/curves.yaml says 2",
        ),
        (
            lambda at: spoil(at, "threads_2-s2", "settings.json", '"data.batch_size": 128', '"data.batch_size": 64'),
            r"threads_2-s. differ in more than the seed: data.batch_size=",
        ),
        (lambda at: (at / "digits/threads_2-s0/summary.json").unlink(), "threads_2-s0"),
    ],
)
def test_kept_runs_that_are_not_those_of_the_plan_are_refused(kept, do, told):
    assert Evidence(kept).curve("digits", "threads_2").seeds == 3
    do(kept)
    with pytest.raises(UserError, match=told):
        Evidence(kept).curve("digits", "threads_2")


def test_curves_are_compared_at_seeds_that_both_have(kept):
    evidence = Evidence(kept)
    curve = evidence.curve("digits", "threads_2")
    assert rows_of_seeds(curve, [2, 0]) == [2, 0]
    with pytest.raises(UserError, match="digits/threads_2 is kept of no seed 3"):
        rows_of_seeds(curve, [3])
    assert evidence.names("digits") == ["full", "threads_2"]
    with pytest.raises(UserError, match="no run of digits/base is kept"):
        evidence.curve("digits", "base")
    with pytest.raises(UserError, match="has no digits/bass"):
        evidence.curve("digits", "bass")


@pytest.mark.slow
def test_no_two_curves_are_one_run(tmp_path):
    curves = [curve for task in read_tasks().values() for curve in task.curves.values() if not curve.needs]
    first = [{**vars(curve), "seeds": 1, "one_shot": curve.one_shot[:1]} for curve in curves]
    runs = plan_curves([type(curves[0])(**one) for one in first], tmp_path)
    assert len({run.planned.path for run in runs}) == len(curves)


def test_the_curves_in_64_bits_keep_the_numbers_of_weights_that_sdd_keeps():
    rows = read_table(FOLDER / "float64.csv")
    for seed in {int(row["seed"]) for row in rows}:
        ours = read_curve(FOLDER / "digits" / f"base-s{seed}" / "curve.csv")
        theirs = [row for row in rows if row["seed"] == seed]
        assert [row["remaining"] for row in ours] == [row["remaining"] for row in theirs]
        assert abs(sum(row["test_acc"] for row in ours) - sum(row["test_acc"] for row in theirs)) < 0.03 * len(ours)


def test_the_first_row_in_64_bits_is_computed_again():
    experiment = Experiment(3)
    row = next(row for row in read_table(FOLDER / "float64.csv") if row["seed"] == 3)
    assert experiment.row(0, experiment.level(0)) == pytest.approx({name: row[name] for name in row if name != "seed"})


def test_dense_weights_are_those_of_the_independent_computation_to_rounding():
    assert Experiment(3).apart(epochs=2) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 7])
def test_this_version_finds_what_is_kept(tmp_path, seed):
    kept = FOLDER / "digits" / f"rate_60-s{seed}"
    changed = {"pruning.levels": 3, "data.noise_rate": 0.6, "seed_everything": seed, "progress.show": "none"}
    run = sdd.fit("digits_mlp", {**changed, "run_dir": tmp_path / "run"})
    ours, theirs = read_curve(run.path / "curve.csv"), read_curve(kept / "curve.csv")[:4]
    told, here = (json.loads((path / "environment.json").read_text()) for path in (kept, run.path))
    for row, other in zip(ours, theirs, strict=True):
        for name in ("train_loss", "test_loss", "train_acc", "memorized", "test_acc", "distance", "remaining"):
            if name == "remaining" or (
                told["cpu"] == here["cpu"] and told["torch"] == torch.__version__.partition("+")[0]
            ):
                assert row[name] == other[name], name
            else:
                assert row[name] == pytest.approx(other[name], rel=0.15, abs=0.05), name
