"""Wording: what a mistaken name most likely means."""

import pytest

from sdd.messages import counted, did_you_mean, nearest, one_line

SETTINGS = ("data.noise_rate", "data.noise_type", "pruning.levels", "pruning.fraction", "run_dir", "trainer.max_epochs")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pruning.level", "pruning.levels"),
        ("pruning.f", "pruning.fraction"),
        ("data.noise_rat", "data.noise_rate"),
        ("data.nose_rate", "data.noise_rate"),
        ("noise_rate", "data.noise_rate"),
        ("pruning.noise_rate", "data.noise_rate"),
        ("rundir", "run_dir"),
        ("zebra", None),
    ],
)
def test_the_nearest_name(name, meant):
    assert nearest(name, SETTINGS) == meant
    assert nearest(f"--{name}", [f"--{one}" for one in SETTINGS]) == (meant and f"--{meant}")


def test_a_name_that_is_near_nothing_gets_the_other_ending():
    assert did_you_mean("pruning.level", SETTINGS, "; see --help") == "; did you mean pruning.levels?"
    assert did_you_mean("zebra", SETTINGS, "; see --help") == "; see --help"
    assert did_you_mean("zebra", []) == ""


def test_lines_are_folded_and_things_counted():
    assert one_line("a\n  b\t c\n") == "a b c"
    assert [counted(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
