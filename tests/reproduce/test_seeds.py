from types import SimpleNamespace

import pytest

from sdd.reproduce.seeds import Seeds

FOUR = [0.9, 0.6, 0.95, 0.5]


def _seeds(*curves):
    """Runs with these test accuracies; of the rest only sparsities are wanted."""
    runs = [
        SimpleNamespace(
            rows=[{"level": level, "sparsity": 1 - 0.5**level, "test_acc": acc} for level, acc in enumerate(curve)]
        )
        for curve in curves
    ]
    return Seeds(tuple(runs), ())


@pytest.mark.parametrize(
    ("curve", "shown"),
    [
        (FOUR, [(0, "dense"), (1, "critical"), (2, "sweet"), (3, "collapsed")]),
        (FOUR[:3], [(0, "dense"), (1, "critical"), (2, "sweet")]),
        ([0.9] * 7, [(0, "dense"), (2, "level 2"), (4, "level 4"), (6, "level 6")]),
        ([0.9, 0.8], [(0, "dense"), (1, "level 1")]),
        ([0.9], [(0, "dense")]),
    ],
    ids=["four phases", "peak at the end", "flat", "two levels", "dense alone"],
)
def test_the_levels_that_stand_for_the_phases(curve, shown):
    assert [(level.level, level.name) for level in _seeds(curve, curve).shown_levels()] == shown


@pytest.mark.parametrize(("curve", "level"), [(FOUR, 2), ([0.9] * 7, 4), ([0.9], 0)])
def test_the_level_of_the_peak_alone(curve, level):
    assert [one.level for one in _seeds(curve, curve).shown_levels(only_peak=True)] == [level]
