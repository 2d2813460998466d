import math

import numpy as np
import pytest

from sdd.analysis.spectra import SpectrumPoint, mean_spectra, read_spectra, spectrum_figure
from sdd.errors import UserError


def _triangle(level, left, right, height):
    middle = (left + right) / 2
    return [SpectrumPoint(level, 0.5, at, value) for at, value in ((left, 0.0), (middle, height), (right, 0.0))]


def test_densities_of_seeds_are_averaged_at_common_eigenvalues():
    """Two triangles of area 1, on [0, 2] and [1, 3]: their mean has area 1, and 1/4 at 1/2, where the second is 0."""
    (mean,) = mean_spectra([_triangle(3, 0.0, 2.0, 1.0), _triangle(3, 1.0, 3.0, 1.0)], [3, 8])
    assert (mean.level, mean.sparsity) == (3, 0.5)
    assert (mean.eigenvalues[0], mean.eigenvalues[-1]) == (0.0, 3.0)
    assert mean.densities.shape[0] == 2
    average = mean.densities.mean(axis=0)
    assert np.trapezoid(average, mean.eigenvalues) == pytest.approx(1.0, abs=1e-3)
    assert np.interp(0.5, mean.eigenvalues, average) == pytest.approx(0.25, abs=1e-3)


def test_a_level_that_diverged_is_left_out():
    points = [SpectrumPoint(1, 0.2, 0.0, math.nan), SpectrumPoint(1, 0.2, 1.0, math.nan)]
    assert mean_spectra([points], [1]) == []


def test_the_figure_names_each_level_and_says_over_how_many_seeds():
    tables = [_triangle(0, -1.0, 1.0, 1.0) + _triangle(5, 0.0, 4.0, 0.5), _triangle(0, -1.0, 1.2, 0.9)]
    figure = spectrum_figure(mean_spectra(tables, [0, 5]), {0: "dense", 5: "trough"})
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert axes.get_xlabel() == "eigenvalue of the Hessian of the training loss"
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("(dense)" in text for text in said)
    assert any("(trough)" in text for text in said)
    assert any("(n = 2)" in text for text in said), "seeds differ in what they have"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("level,alpha\n", "line 1: not the header level,sparsity,eigenvalue,density"),
        ("level,sparsity,eigenvalue,density\n0,0.0,1.0\n", "line 2: damaged"),
        ("level,sparsity,eigenvalue,density\n0,0.0,x,1.0\n", "line 2: damaged"),
    ],
)
def test_a_damaged_table_is_told_by_its_line(tmp_path, content, said):
    (tmp_path / "spectrum.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        read_spectra(tmp_path / "spectrum.csv")
