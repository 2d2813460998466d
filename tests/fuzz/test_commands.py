"""Pairs of settings, damaged files and options that nobody should give: done as asked, or refused in one line."""

import pytest

from tests.fuzz.commands import ZERO, Ground, all_tries, tries
from tests.fuzz.copies import Ended, all_imported
from tests.fuzz.outcomes import wrong_end
from tests.fuzz.pairs import CHOICES, pairs
from tests.fuzz.settings import outcomes, types_by_name


def test_what_is_wrong_with_an_end():
    assert wrong_end(Ended(0, "done", "sdd: a note")) is None
    assert wrong_end(Ended(2, "", "note: x\nsdd: error: no")) is None
    for ended, wrong in (
        (Ended(None, "", ""), "hangs"),
        (Ended(1, "", "Traceback (most recent call last):\nValueError"), "traceback"),
        (Ended(70, "", "ValueError"), "traceback"),
        (Ended(0, "", "x.py:1: UserWarning: y"), "warning"),
        (Ended(2, "", "sdd: error: a\nsdd: error: b"), "not one line"),
        (Ended(2, "", "sdd: error: " + "x" * 3000), "not one line"),
        (Ended(2, "", ""), "not one line"),
    ):
        found = wrong_end(ended)
        assert found is not None
        assert found[0] == wrong


def test_pairs_and_tries_are_drawn_from_all_and_once():
    cases = pairs(300, 0, "done")
    assert len({case.given for case in cases}) == 300
    assert all(first != second for case in cases for (first, _), (second, _) in [case.given])
    assert CHOICES.keys() <= types_by_name().keys()
    drawn = tries(160, 0)
    assert {one.section for one in drawn} == {"folders", "files", "images", "options"}
    assert len({(one.section, one.line) for one in drawn}) == 160
    assert len(tries(10**6, 0)) == sum(map(len, all_tries()))


@pytest.mark.slow
def test_a_sample_of_pairs_and_commands(tmp_path):
    with all_imported():
        ground = Ground(tmp_path)
        found = [*outcomes(pairs(10, 1, str(tmp_path / ZERO))), *ground.outcomes(tries(24, 1))]
    assert [f"{one.line}: {one.end}: {one.said}" for one in found if not one.well] == []
