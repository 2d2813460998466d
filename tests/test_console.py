"""The parser of the commands without a configuration, and where lines go."""

import pytest

from sdd.console import OneLineParser, say
from sdd.errors import UserError


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
