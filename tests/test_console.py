"""The parser of the commands without a configuration, and where lines go."""

import subprocess
import sys

import pytest

from sdd.console import OneLineParser, Progress, say
from sdd.errors import UserError
from tests.small import PROJECT


@pytest.fixture
def parser():
    made = OneLineParser(prog="python -m sdd thing", description=None)
    made.add_argument("--workers", type=int)
    made.add_argument("--dry_run", action="store_true")
    return made


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--worker", "2"], "--worker is not an option; did you mean --workers? (see python -m sdd thing --help)"),
        (["--dry-run"], "--dry-run is not an option; did you mean --dry_run? (see python -m sdd thing --help)"),
        (["word", "--work=2"], "--work is not an option; did you mean --workers? (see python -m sdd thing --help)"),
        (["word"], "word is not an option (see python -m sdd thing --help)"),
        (["--workers", "x"], "argument --workers: invalid int value: 'x' (see python -m sdd thing --help)"),
    ],
)
def test_a_bad_option_is_one_line_with_the_nearest_name(parser, arguments, said):
    with pytest.raises(UserError) as raised:
        parser.parse_args(arguments)
    assert str(raised.value) == said


def test_whole_names_are_taken(parser):
    chosen = parser.parse_args(["--workers=2", "--dry_run"])
    assert (chosen.workers, chosen.dry_run) == (2, True)


def test_results_go_to_standard_output_and_the_rest_to_standard_error(capsys):
    say("found")
    say("by the way", error=True)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("found\n", "by the way\n")


def test_lines_tell_what_is_done_and_left_by_the_speed_since_the_start(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = Progress(200, 50, "step", smoothing=0.0, show="lines")
    for seconds, done in ((59, 60), (1, 70), (30, 80)):
        now[0] += seconds
        progress.move_to(done, "epoch 3")
    progress.skip_to(100)  # 20 steps more were not needed
    now[0] += 30
    progress.move_to(110, "epoch 4")
    progress.close()
    assert capsys.readouterr().err.splitlines() == [
        "35.0% done, epoch 3, 0:06:30 left",  # 20 steps a minute, 130 to go
        "55.0% done, epoch 4, 0:04:30 left",  # 40 steps in two minutes, 90 to go
    ]


def test_progress_that_is_not_to_be_shown_shows_nothing(capsys, monkeypatch):
    monkeypatch.setattr("sdd.console._LINE_SECONDS", 0.0)
    progress = Progress(2, 0, "step", smoothing=0.0, show="none")
    progress.move_to(1, "epoch 1")
    progress.redraw("epoch 1")
    progress.close()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_a_closed_output_is_no_error(closed):
    command = f'exec "{sys.executable}" -m sdd status nowhere {closed}'
    ended = subprocess.run(["sh", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr + ended.stdout
