"""A parser that is built ahead, for a process that is copied, reads a command line as any other does."""

from sdd.cli import wiring
from sdd.cli.parse import parse
from tests.small import QUICK


def test_a_parser_that_was_built_ahead_serves_one_command_line_and_reads_the_same():
    expected = parse(QUICK)
    wiring.build_parser()
    built = wiring._BUILT[("fit",)][0]
    ahead = parse(QUICK)
    assert ahead.wiring.parser is built
    assert (ahead.text, ahead.plan, ahead.folder.path) == (expected.text, expected.plan, expected.folder.path)
    again = parse(QUICK)
    assert again.wiring.parser is not built
    assert again.text == expected.text
