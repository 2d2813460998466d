"""The share that is done and the time left, from the levels in the runs' curves."""

import pytest

from sdd.runs.settings import Settings
from sdd.sweep.planned_run import PlannedRun
from sdd.sweep.progress import SweepProgress

SETTINGS = Settings({}, {"pruning.levels": 3, "pruning.sparsities": None})
LEVELS = 4


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test says so."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def has_levels(run, count):
    run.path.mkdir(exist_ok=True)
    (run.path / "curve.csv").write_text("level\n" + "".join(f"{level}\n" for level in range(count)))


def test_without_a_terminal_there_is_at_most_a_line_a_minute(tmp_path, clock, capsys):
    first, second = runs = [PlannedRun(f"seed={n}", (), tmp_path / str(n), SETTINGS, LEVELS) for n in range(2)]
    has_levels(first, 1)  # before this sweep: it tells nothing about the speed of this one
    progress = SweepProgress(runs)
    has_levels(first, 3)
    clock[0] += 59
    progress.refresh(dict.fromkeys(runs, "level 2"))
    assert capsys.readouterr().err == ""
    clock[0] += 1
    progress.refresh(dict.fromkeys(runs, "level 2"))
    assert (
        capsys.readouterr().err == "37.5% done, 0 of 2 runs, 0:02:30 left\n  seed=0: level 2\n  seed=1: level 2\n"
    )  # 2 levels a minute, 5 to go
    clock[0] += 59
    progress.refresh(dict.fromkeys(runs, "level 2"))
    assert capsys.readouterr().err == ""
    has_levels(second, 2)
    progress.end(second)  # it has failed: its other levels are not waited for
    clock[0] += 1
    progress.refresh({first: "level 3 of 3"})
    assert capsys.readouterr().err == "83.3% done, 1 of 2 runs, 0:00:30 left\n  seed=0: level 3 of 3\n"
    progress.close()


def test_lines_about_runs_go_to_standard_output(tmp_path, capsys):
    run = PlannedRun("seed=0", (), tmp_path / "0", SETTINGS, LEVELS)
    progress = SweepProgress([run])
    progress.say("start", run)
    progress.say("finished", run, "0:00:09  no double descent")
    progress.close()
    shown = capsys.readouterr()
    assert shown.out == "start     seed=0\nfinished  seed=0  0:00:09  no double descent\n"
    assert shown.err == ""
