"""The summary holds what phases and statistics say, and is JSON."""

import json
import math

import pytest
from scipy import stats

from sdd.analysis.curve import column
from sdd.analysis.phases import find_phases
from sdd.analysis.statistics import spearman
from sdd.analysis.summary import finite, summarise

ACCURACY = [0.70, 0.70, 0.70, 0.68, 0.66, 0.64, 0.62, 0.60, 0.60, 0.65, 0.70, 0.75, 0.80, 0.82, 0.82, 0.75, 0.6]


def make_rows(accuracy=ACCURACY, **more):
    return [
        {
            "level": level,
            "sparsity": 1 - 0.8**level,
            "remaining": round(1000 * 0.8**level),
            "memorized": 1 - level / 20,
            "test_acc": value,
            "distance": 20 - 10 * value + level / 100,
        }
        | {name: values[level] for name, values in more.items()}
        for level, value in enumerate(accuracy)
    ]


def test_keys_agree_with_phases_and_correlations():
    rows = make_rows(sharpness=[math.sin(level) for level in range(17)])
    summary = summarise(rows)
    phases = find_phases(column(rows, "sparsity"), ACCURACY)
    assert summary["double_descent"] is True
    assert summary["reason"] == ""
    assert (summary["depth"], summary["gain"], summary["recovery"]) == (phases.depth, phases.gain, phases.recovery)
    assert summary["trough"] == {"level": 7, "sparsity": 1 - 0.8**7, "test_acc": 0.6, "memorized": 1 - 7 / 20}
    assert summary["peak"]["level"] == 13
    assert (summary["dense_test_acc"], summary["final_test_acc"]) == (0.7, 0.6)
    assert summary["boundaries"]["critical_sweet"] == 1 - 0.8**7
    assert list(summary["spearman"]) == ["distance", "sharpness"]
    expected = spearman(ACCURACY, column(rows, "distance"))
    assert summary["spearman"]["distance"] == {"rho": expected.rho, "n": 17}
    for stretch, (first, last) in {"dense_to_trough": (0, 7), "trough_to_peak": (7, 13)}.items():
        for name in ("distance", "sharpness"):
            rho = stats.spearmanr(ACCURACY[first : last + 1], column(rows, name)[first : last + 1]).statistic
            part = summary["phase_spearman"][name][stretch]
            assert (part["rho"], part["n"]) == (pytest.approx(rho), last - first + 1)
    assert (summary["turning_point"]["level"], summary["turning_point"]["turns"]) == (16, False)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        make_rows([0.7]),
        make_rows([math.nan] * 8),
        make_rows([0.98] * 10, memorized=[math.nan] * 10),
        make_rows(memorized=[math.nan] * 17, hessian_top=[math.inf] * 17),
        [{"level": 0, "sparsity": 0.0, "remaining": 3}],
    ],
)
def test_every_number_is_finite_or_null(rows):
    summary = summarise(rows)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_without_a_double_descent_there_is_no_trough():
    summary = summarise(make_rows([0.98] * 12))
    assert summary["double_descent"] is False
    assert "no level lies below the dense network's 98.00%" in summary["reason"]
    assert summary["depth_high"] == 0
    assert all(summary[name] is None for name in ("trough", "peak", "depth", "gain", "recovery", "boundaries"))
    assert summary["spearman"]["distance"]["rho"] is None
    assert summary["phase_spearman"] == {"distance": {}}
    assert summary["turning_point"]["levels_from_trough"] is None


def test_finite_leaves_what_json_can_hold():
    assert finite({"a": (1, math.nan, [math.inf, "x", None, True])}) == {"a": [1, None, [None, "x", None, True]]}
