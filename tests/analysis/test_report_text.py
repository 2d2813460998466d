"""Tables align, fit a terminal of 100 columns, and say what the numbers say."""

import math
import re

import pytest

from sdd.analysis.curve import FIRST_COLUMNS
from sdd.analysis.phases import phases_of
from sdd.analysis.report_text import from_trough, header, row_line, summary
from sdd.analysis.summary import summarise

ACCURACY = [0.70, 0.70, 0.70, 0.68, 0.66, 0.64, 0.62, 0.60, 0.60, 0.65, 0.70, 0.75, 0.80, 0.82, 0.82, 0.75, 0.6]


def make_rows(accuracy=ACCURACY, memorized=0.5):
    return [
        dict.fromkeys(FIRST_COLUMNS, 0.5)
        | {
            "level": level,
            "sparsity": 1 - 0.8**level,
            "remaining": round(11_173_962 * 0.8**level),
            "memorized": memorized,
            "test_acc": value,
            "distance": 20 - value,
        }
        for level, value in enumerate(accuracy)
    ]


def test_all_lines_are_equally_long_and_fit_a_terminal():
    rows = make_rows(memorized=math.nan)
    lines = [header(), *map(row_line, rows)]
    assert {len(line) for line in lines} == {len(header())}
    assert len(header()) <= 100


def test_numbers_stand_under_their_names():
    row = make_rows()[3]
    cells = dict(zip(header().split(), row_line(row).split(), strict=True))
    assert cells["level"] == "3"
    assert cells["sparsity"] == "48.800%"
    assert cells["remaining"] == str(row["remaining"])
    assert cells["test_acc"] == "68.00%"
    assert cells["memorized"] == "50.00%"
    assert cells["distance"] == "19.320"


def test_missing_numbers_are_dashes():
    cells = row_line({"level": 0, "sparsity": 0.0, "remaining": 7, "test_acc": math.nan, "test_loss": math.inf}).split()
    assert cells == ["0", "0.000%", "7", "-", "-", "-", "inf", "-", "-", "-"]


def test_a_double_descent_in_words():
    rows = make_rows()
    phases = {"dense_to_trough": {"rho": -0.5, "n": 8}, "trough_to_peak": {"rho": None, "n": 7}}
    changed = {"spearman": {"distance": {"rho": -0.75, "n": 17}}, "phase_spearman": {"distance": phases}}
    found = summarise(rows) | changed
    text = summary(rows, found)
    assert "Double descent: yes" in text
    assert "light 0% to 36%, critical 36% to 79.03%, sweet 79.03% to 94.5%, collapsed 94.5% to 97.19%" in text
    assert "trough   test accuracy 60.00% at level 7, sparsity 79.03%, 50.00% of wrong labels memorised" in text
    assert "depth    10.0 points, gain +12.0 points" in text
    assert re.search(r"test_acc with +all levels +dense to trough +trough to peak\n", text)
    assert re.search(r"\n  distance +-0\.75 \(n = 17\) +-0\.50 \(n = 8\) +none \(n = 7\)\n", text)
    assert "Turning point of distance: 19.40 at level 7, sparsity 79.03%, 0.10 above the dense level's,\n" in text
    assert text.endswith("falls by 0.22 at most; it is the trough's level")


def test_a_curve_that_ends_with_its_peak_has_no_collapsed_phase():
    rows = make_rows(ACCURACY[:14], memorized=math.nan)
    assert "collapsed" not in summary(rows, summarise(rows))
    assert "memorised" not in summary(rows, summarise(rows))


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [([], "not decided"), ([0.7], "not decided"), ([0.98] * 12, "no"), ([math.nan] * 9, "not decided")],
)
def test_none_or_not_decided_in_words_with_the_reason(accuracy, verdict):
    rows = make_rows(accuracy)
    text = summary(rows, summarise(rows))
    assert text.startswith(f"Double descent: {verdict}. ")
    assert phases_of(rows).reason[1:] in text
    assert re.search(r"\n  distance +none \(n = \d+\)", text)
    assert "dense to trough" not in text


@pytest.mark.parametrize(
    ("levels", "words"),
    [(0, "it is the trough's level"), (1, "1 level after the trough, +0.5 points"), (-2, "2 levels before the trough")],
)
def test_where_the_distance_turns_against_the_trough_in_words(levels, words):
    assert words in from_trough(levels, 0.005)


def test_a_distance_that_only_climbs_has_no_turning_point():
    rows = [row | {"distance": float(row["level"])} for row in make_rows()]
    text = summary(rows, summarise(rows))
    assert text.endswith("Turning point of distance: none inside the curve; it is largest at level 16, sparsity 97.19%")
