"""Verdicts on ten measured seeds of digits, with 40 % of labels wrong and with clean ones."""

import pytest

from sdd.analysis.compare import mean_phases
from sdd.analysis.phases import find_phases
from sdd.analysis.statistics import bootstrap_phases
from tests.analysis.calibrate import DIGITS_TEST, coarse, digits_seeds, thinned, write


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
def test_no_clean_seed_is_judged_yes_on_any_grid(step):
    sparsity, curves = digits_seeds("clean")
    levels = thinned(sparsity, step)
    assert not any(find_phases(sparsity[levels], curve[levels]).double_descent for curve in curves)
    assert not mean_phases(sparsity[levels], curves[:, levels]).double_descent
    assert not bootstrap_phases(curves[:, levels], sparsity[levels], resamples=200).double_descent


@pytest.mark.parametrize("step", [1, 2])
def test_each_noisy_seed_is_judged_yes(step):
    sparsity, curves = digits_seeds("noisy")
    levels = thinned(sparsity, step)
    assert sum(bool(find_phases(sparsity[levels], curve[levels]).double_descent) for curve in curves) >= 9
    assert mean_phases(sparsity[levels], curves[:, levels]).double_descent
    assert bootstrap_phases(curves[:, levels], sparsity[levels], resamples=200).double_descent


def test_no_noisy_seed_is_judged_no_on_any_grid_and_ten_seeds_decide_on_eight_levels():
    sparsity, curves = digits_seeds("noisy")
    for levels in [coarse(sparsity), *(thinned(sparsity, step) for step in (1, 2, 3, 4, 5, 6))]:
        found = [find_phases(sparsity[levels], curve[levels]) for curve in curves]
        assert not any(one.double_descent is False for one in found)
    levels = coarse(sparsity)
    few = [find_phases(sparsity[levels], curve[levels]) for curve in curves]
    assert any("too few levels to tell" in one.reason for one in few)
    assert bootstrap_phases(curves[:, levels], sparsity[levels]).double_descent
    assert mean_phases(sparsity[levels], curves[:, levels]).double_descent


@pytest.mark.slow
def test_the_tables_are_written(tmp_path):
    write(tmp_path / "verdicts.md", curves=80, seed_curves=8, pairs=5)
    text = (tmp_path / "verdicts.md").read_text()
    assert text.count("| none: yes |") == 2
    assert f"{DIGITS_TEST} test images" in text
    assert "| flat, then collapse | 35 |" in text
