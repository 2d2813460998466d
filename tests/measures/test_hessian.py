import math

import pytest
import torch
from curvlinops import HessianLinearOperator
from scipy.linalg import hadamard
from torch import Tensor, nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.measures.hessian import TopEigenvalue, hessian_top, hessian_trace
from sdd.measures.objective import Objective
from tests.measures.networks import (
    Masks,
    conv_net,
    direct_hessian,
    generator,
    random_masks,
    survivors,
    uneven_batches,
    whole_masks,
)

pytestmark = pytest.mark.usefixtures("double_precision")


class Problem:
    """A small convolutional network, briefly trained, with data in uneven batches and random masks."""

    def __init__(self) -> None:
        self.net = conv_net()
        self.batches = uneven_batches((17, 6))
        optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)
        for _ in range(20):
            for inputs, labels in self.batches:
                optimizer.zero_grad()
                functional.cross_entropy(self.net(inputs), labels).backward()
                optimizer.step()
        self.net.eval().zero_grad()
        self.masks = random_masks(self.net, 0.4)
        with torch.no_grad():
            for name, mask in self.masks.items():
                self.net.get_parameter(name).mul_(mask)

    def hessian(self, masks: Masks | None) -> Tensor:
        return direct_hessian(self.net, self.batches, masks)


class Weights(nn.Module):
    """A network whose output for any input is its parameter vector."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.weights.expand(len(inputs), -1)


def quadratic(matrix: Tensor, masks: Masks | None = None) -> Objective:
    """An objective ½ wᵀAw, over three examples of equal loss."""
    net = Weights(torch.linspace(1, 2, len(matrix), dtype=matrix.dtype))
    batches = [(torch.zeros(size, 1), torch.zeros(size, dtype=torch.int64)) for size in (2, 1)]
    return Objective(net, batches, masks, criterion=lambda w, _: ((w @ matrix) * w).sum() / 2)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_top_is_the_largest_eigenvalue_of_the_explicit_hessian(masked: bool, seed: int) -> None:
    problem = Problem()
    masks = problem.masks if masked else None
    expected = float(torch.linalg.eigvalsh(problem.hessian(masks))[-1])
    top = hessian_top(Objective(problem.net, problem.batches, masks), generator=generator(seed))
    assert top.converged
    assert top.residual <= 1e-4
    assert top.value == pytest.approx(expected, rel=1e-4)
    tight = Objective(problem.net, problem.batches, masks)
    assert hessian_top(tight, tolerance=1e-9, generator=generator(seed)).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("masked", [False, True])
def test_trace_is_that_of_the_explicit_hessian(masked: bool) -> None:
    problem = Problem()
    masks = problem.masks if masked else None
    hessian = problem.hessian(masks)
    objective = Objective(problem.net, problem.batches, masks)
    estimate = hessian_trace(objective, probes=400, generator=generator())
    assert abs(estimate.value - float(hessian.trace())) < 4 * estimate.standard_error
    variance = 2 * float((hessian - hessian.diag().diag()).square().sum())
    assert estimate.standard_error == pytest.approx(math.sqrt(variance / 400), rel=0.2)
    # The rows of a Hadamard matrix, cut to any length, are a full set of probes: their mean is the trace.
    rows = torch.from_numpy(hadamard(256))[:, : objective.dimension].double()
    products = objective.hessian_vector_products(rows)
    assert float((rows * products).sum(1).mean()) == pytest.approx(float(hessian.trace()), rel=1e-10)


@pytest.mark.parametrize("probes", [1, 7, 8, 19])
def test_trace_is_the_mean_over_its_probes(probes: int) -> None:
    problem = Problem()
    objective = Objective(problem.net, problem.batches, problem.masks)
    estimate = hessian_trace(objective, probes=probes, generator=generator(3))
    source = generator(3)
    sizes = [min(8, probes - first) for first in range(0, probes, 8)]
    signs = [torch.randint(0, 2, (n, objective.dimension), generator=source, dtype=torch.int8) for n in sizes]
    z = 2 * torch.cat(signs).double() - 1
    values = ((z @ problem.hessian(problem.masks)) * z).sum(1)
    assert estimate.value == pytest.approx(float(values.mean()), rel=1e-10)
    assert estimate.probes == probes
    if probes == 1:
        assert math.isnan(estimate.standard_error)
    else:
        assert estimate.standard_error == pytest.approx(float(values.std()) / math.sqrt(probes), rel=1e-10)


@pytest.mark.parametrize("masked", [False, True])
def test_agrees_with_curvlinops(masked: bool) -> None:
    problem = Problem()
    masks = problem.masks if masked else None
    params = list(problem.net.parameters())
    operator = HessianLinearOperator(problem.net, nn.CrossEntropyLoss(), params, problem.batches)
    keep = survivors(problem.net, masks)
    matrix = (operator @ torch.eye(len(keep)))[keep][:, keep]
    objective = Objective(problem.net, problem.batches, masks)
    torch.testing.assert_close(objective.hessian_vector_products(torch.eye(objective.dimension)), matrix)
    top = hessian_top(objective, generator=generator())
    assert top.value == pytest.approx(float(torch.linalg.eigvalsh(matrix)[-1]), rel=1e-4)


def test_masks_of_true_are_the_full_space() -> None:
    problem = Problem()
    whole = Objective(problem.net, problem.batches)
    masks = whole_masks(problem.net, True)
    masked = Objective(problem.net, problem.batches, masks)
    assert hessian_top(masked, generator=generator()) == hessian_top(whole, generator=generator())
    assert hessian_trace(masked, generator=generator()) == hessian_trace(whole, generator=generator())


def test_float32_agrees_with_float64() -> None:
    problem = Problem()
    precise = Objective(problem.net, problem.batches, problem.masks)
    top, trace = hessian_top(precise, generator=generator()), hessian_trace(precise, generator=generator())
    single = Objective(problem.net.float(), [(x.float(), y) for x, y in problem.batches], problem.masks)
    top32, trace32 = hessian_top(single, generator=generator()), hessian_trace(single, generator=generator())
    assert top32.converged
    assert top32.value == pytest.approx(top.value, rel=1e-4)
    assert trace32.value == pytest.approx(trace.value, rel=1e-4)


def test_a_diagonal_hessian_is_known_exactly() -> None:
    diagonal = torch.tensor([3.0, -10.0, 0.5, 2.0, 0.0])
    objective = quadratic(diagonal.diag())
    top = hessian_top(objective, generator=generator())
    assert top.value == pytest.approx(3, rel=1e-10)  # not the largest in size, −10
    assert top.converged
    trace = hessian_trace(objective, probes=3, generator=generator())
    assert trace.value == pytest.approx(-4.5, rel=1e-12)
    assert trace.standard_error == pytest.approx(0, abs=1e-12)
    pruned = quadratic(diagonal.diag(), {"weights": torch.tensor([False, True, True, False, True])})
    assert hessian_top(pruned, generator=generator()).value == pytest.approx(0.5, rel=1e-10)
    assert hessian_trace(pruned, generator=generator()).value == pytest.approx(-9.5, rel=1e-12)


def test_top_is_the_most_positive_even_when_it_is_negative() -> None:
    top = hessian_top(quadratic(torch.tensor([-5.0, -2.0, -9.0]).diag()), generator=generator())
    assert top.value == pytest.approx(-2, rel=1e-10)
    assert top.converged


def test_equal_eigenvalues_take_one_product() -> None:
    top = hessian_top(quadratic(4 * torch.eye(50)), generator=generator())
    assert (top.iterations, top.converged) == (1, True)
    assert top.value == pytest.approx(4, rel=1e-12)


def test_clustered_eigenvalues_are_told_apart() -> None:
    values = torch.cat([torch.linspace(0, 1, 300), torch.tensor([1.01, 1.02, 1.03])])
    basis = torch.linalg.qr(torch.randn(303, 303))[0]
    top = hessian_top(quadratic(basis * values @ basis.T), generator=generator())
    assert top.converged
    assert top.value == pytest.approx(1.03, rel=1e-4)


def test_zero_hessian() -> None:
    objective = quadratic(torch.zeros(6, 6))
    assert hessian_top(objective, generator=generator()) == TopEigenvalue(0.0, 1, 0.0, True)
    linear = Objective(Weights(torch.ones(4)), [(torch.ones(1, 1), torch.zeros(1))], criterion=lambda w, _: w.sum())
    for flat in (objective, linear):
        assert hessian_top(flat, generator=generator()) == TopEigenvalue(0.0, 1, 0.0, True)
        trace = hessian_trace(flat, generator=generator())
        assert (trace.value, trace.standard_error) == (0, 0)


def test_a_top_of_zero_converges_beside_negative_eigenvalues() -> None:
    values = torch.cat([torch.zeros(1), -torch.linspace(1, 50, 400)])
    top = hessian_top(quadratic(values.diag()), max_iterations=401, generator=generator())
    assert top.converged
    assert top.value == pytest.approx(0, abs=1e-10)
    column = torch.randn(30, 1)
    exhausted = hessian_top(quadratic(-column @ column.T), generator=generator())
    assert (exhausted.iterations, exhausted.converged) == (2, True)
    assert exhausted.value == pytest.approx(0, abs=1e-10)


def test_it_stops_when_the_krylov_space_is_the_whole_space() -> None:
    basis = torch.linalg.qr(torch.randn(6, 6))[0]
    matrix = (basis * -torch.tensor([0, 1.0, 10, 100, 1000, 1e4]) @ basis.T).float()
    for seed in range(5):
        top = hessian_top(quadratic(matrix), tolerance=1e-12, generator=generator(seed))
        assert (top.iterations, top.converged) == (6, True)
        assert top.value == pytest.approx(0, abs=0.01)


def test_too_few_iterations_are_reported_and_give_a_lower_bound() -> None:
    problem = Problem()
    objective = Objective(problem.net, problem.batches)
    top = hessian_top(objective, max_iterations=2, generator=generator())
    assert (top.iterations, top.converged) == (2, False)
    assert top.residual > 1e-4
    assert top.value < hessian_top(objective, generator=generator()).value


def test_one_weight_and_one_example() -> None:
    problem = Problem()
    masks = whole_masks(problem.net, False)
    masks["4.bias"][2] = True
    problem.batches = [(problem.batches[0][0][:1], problem.batches[0][1][:1])]
    objective = Objective(problem.net, problem.batches, masks)
    probability = problem.net(problem.batches[0][0]).softmax(1)[0, 2].item()
    top = hessian_top(objective, generator=generator())
    assert (top.iterations, top.converged) == (1, True)
    assert top.value == pytest.approx(probability * (1 - probability), rel=1e-10)
    assert hessian_trace(objective, generator=generator()).value == pytest.approx(top.value, rel=1e-10)


def test_a_dead_layer() -> None:
    problem = Problem()
    problem.masks["0.weight"][:] = False
    with torch.no_grad():
        problem.net[0].weight.zero_()
    objective = Objective(problem.net, problem.batches, problem.masks)
    hessian = problem.hessian(problem.masks)
    top = hessian_top(objective, generator=generator())
    assert top.value == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-4)
    trace = hessian_trace(objective, probes=200, generator=generator())
    assert abs(trace.value - float(hessian.trace())) < 4 * trace.standard_error


def test_no_surviving_coordinate() -> None:
    problem = Problem()
    masks = whole_masks(problem.net, False)
    objective = Objective(problem.net, problem.batches, masks)
    assert hessian_top(objective, generator=generator()) == TopEigenvalue(0.0, 0, 0.0, True)
    trace = hessian_trace(objective, probes=4, generator=generator())
    assert (trace.value, trace.standard_error, trace.probes) == (0, 0, 4)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_loss_that_is_not_finite_gives_nan_at_once(value: float) -> None:
    problem = Problem()
    with torch.no_grad():
        problem.net[4].weight[0, 0] = value
    objective = Objective(problem.net, problem.batches)
    top = hessian_top(objective, generator=generator())
    assert math.isnan(top.value)
    assert math.isnan(top.residual)
    assert (top.iterations, top.converged) == (1, False)
    trace = hessian_trace(objective, generator=generator())
    assert math.isnan(trace.value)
    assert math.isnan(trace.standard_error)


def test_wrong_arguments_are_named() -> None:
    objective = quadratic(torch.eye(2))
    with pytest.raises(UserError, match="tolerance is 0"):
        hessian_top(objective, tolerance=0, generator=generator())
    with pytest.raises(UserError, match="max_iterations is 0"):
        hessian_top(objective, max_iterations=0, generator=generator())
    with pytest.raises(UserError, match="probes is 0"):
        hessian_trace(objective, probes=0, generator=generator())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_same_on_a_gpu() -> None:
    problem = Problem()
    masks = problem.masks
    here = Objective(problem.net, problem.batches, masks)
    top, trace = hessian_top(here, generator=generator()), hessian_trace(here, generator=generator())
    batches = [(x.cuda(), y.cuda()) for x, y in problem.batches]
    there = Objective(problem.net.cuda(), batches, masks)
    before = torch.cuda.get_rng_state()
    assert hessian_top(there, generator=generator()).value == pytest.approx(top.value, rel=1e-8)
    assert hessian_trace(there, generator=generator()).value == pytest.approx(trace.value, rel=1e-8)
    assert torch.equal(torch.cuda.get_rng_state(), before)
