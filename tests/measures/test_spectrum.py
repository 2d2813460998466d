import math

import pytest
import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.measures.objective import Objective
from sdd.measures.spectrum import hessian_spectrum
from tests.measures.networks import direct_hessian, generator, small_problem
from tests.measures.test_hessian import quadratic

pytestmark = pytest.mark.usefixtures("double_precision")


def symmetric(eigenvalues: Tensor) -> Tensor:
    """A full matrix with these eigenvalues."""
    basis = torch.linalg.qr(torch.randn(len(eigenvalues), len(eigenvalues), generator=generator(1))).Q
    return basis @ eigenvalues.diag() @ basis.T


def probes_of(count: int, dimension: int) -> Tensor:
    """The unit vectors that the estimate draws, in rows."""
    source = generator()
    drawn = torch.stack([torch.randn(dimension, generator=source, dtype=torch.float64) for _ in range(count)])
    return drawn / drawn.norm(dim=1, keepdim=True)


def test_few_steps_are_exact_for_polynomials_of_the_gauss_degree():
    matrix = symmetric(torch.linspace(-2, 5, 30))
    spectrum = hessian_spectrum(quadratic(matrix), steps=4, probes=3, generator=generator())
    z = probes_of(3, 30)
    for degree in range(8):
        wanted = ((z @ torch.linalg.matrix_power(matrix, degree)) * z).sum(1)
        torch.testing.assert_close(spectrum.means(lambda x, degree=degree: x**degree), wanted, rtol=1e-10, atol=1e-10)
    off = ((z @ torch.linalg.matrix_power(matrix, 8)) * z).sum(1)
    assert not torch.allclose(spectrum.means(lambda x: x**8), off, rtol=1e-6), "degree 2 m is beyond m nodes"


def test_all_steps_give_the_eigenvalues_and_any_function_of_them():
    eigenvalues = torch.tensor([-3.0, -0.5, 0.0, 0.25, 1.0, 4.0, 20.0])
    spectrum = hessian_spectrum(quadratic(symmetric(eigenvalues)), steps=60, probes=2, generator=generator())
    for nodes, weights in zip(spectrum.nodes, spectrum.weights, strict=True):
        torch.testing.assert_close(nodes, eigenvalues, rtol=1e-9, atol=1e-9)
        assert float(weights.sum()) == pytest.approx(1)
    values, vectors = torch.linalg.eigh(symmetric(eigenvalues))
    shares = (probes_of(2, 7) @ vectors).square()
    wanted = 7 * shares @ (values.clamp(min=0) / (values.clamp(min=0) + 0.5))
    effective = spectrum.effective_dimension(0.5)
    assert effective.value == pytest.approx(float(wanted.mean()), rel=1e-9)
    assert effective.standard_error == pytest.approx(abs(float(wanted[0] - wanted[1])) / 2, rel=1e-6)


def test_equal_eigenvalues_end_a_probe_and_need_no_luck():
    spectrum = hessian_spectrum(quadratic(3 * torch.eye(12)), steps=9, probes=4, generator=generator())
    assert {len(nodes) for nodes in spectrum.nodes} == {1}
    effective = spectrum.effective_dimension(1.0)
    assert (effective.value, effective.standard_error) == (pytest.approx(12 * 0.75), pytest.approx(0, abs=1e-12))
    two = symmetric(torch.tensor([1.0] * 6 + [4.0] * 4))
    for nodes in hessian_spectrum(quadratic(two), steps=9, probes=3, generator=generator()).nodes:
        torch.testing.assert_close(nodes[[0, -1]], torch.tensor([1.0, 4.0]))


def test_negative_eigenvalues_count_nothing():
    spectrum = hessian_spectrum(quadratic(-2 * torch.eye(5)), steps=3, probes=1, generator=generator())
    effective = spectrum.effective_dimension(2.0)
    assert effective.value == 0
    assert math.isnan(effective.standard_error)


@pytest.mark.parametrize("masked", [False, True])
def test_effective_dimension_and_share_below_zero_are_those_of_the_explicit_hessian(masked: bool):
    net, batches, random = small_problem()
    masks = random if masked else None
    eigenvalues = torch.linalg.eigvalsh(direct_hessian(net, batches, masks))
    spectrum = hessian_spectrum(Objective(net, batches, masks), steps=15, probes=12, generator=generator())
    assert spectrum.dimension == len(eigenvalues)
    positive = eigenvalues.clamp(min=0)
    for alpha in (0.05, 0.5):
        effective = spectrum.effective_dimension(alpha)
        assert abs(effective.value - float((positive / (positive + alpha)).sum())) < 4 * effective.standard_error
        assert effective.standard_error < 0.4 * effective.value
    grid, density = spectrum.density(401, 0.02)
    sigma = 0.02 * float(max(n.max() for n in spectrum.nodes) - min(n.min() for n in spectrum.nodes))
    smooth = torch.stack([torch.distributions.Normal(float(e), sigma).log_prob(grid).exp() for e in eigenvalues]).mean(
        0
    )
    step = float(grid[1] - grid[0])
    assert float(density.sum()) * step == pytest.approx(1, rel=1e-5)
    assert float((density - smooth).abs().sum()) * step < 0.2, "total variation from the smoothed true spectrum"


def test_no_coordinates_and_a_loss_that_is_no_number():
    empty = quadratic(torch.eye(2), {"weights": torch.zeros(2, dtype=torch.bool)})
    spectrum = hessian_spectrum(empty, generator=generator())
    assert spectrum.effective_dimension(1.0).value == 0
    assert spectrum.density(3, 0.1)[1].tolist() == [0, 0, 0]
    broken = hessian_spectrum(quadratic(torch.full((3, 3), math.nan)), steps=2, probes=2, generator=generator())
    assert math.isnan(broken.effective_dimension(1.0).value)
    assert all(tensor.isnan().all() for tensor in broken.density(3, 0.1))


@pytest.mark.parametrize("name", ["steps", "probes"])
def test_what_cannot_be_is_refused(name: str):
    with pytest.raises(UserError, match=f"{name} is 0"):
        hessian_spectrum(quadratic(torch.eye(2)), **{name: 0}, generator=generator())
    with pytest.raises(UserError, match="alpha is 0"):
        hessian_spectrum(quadratic(torch.eye(2)), generator=generator()).effective_dimension(0)
