import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.measures.objective import Objective
from sdd.measures.sharpness import sharpness
from tests.measures.networks import small_problem, whole_masks

pytestmark = pytest.mark.usefixtures("double_precision")


class Bowl(nn.Module):
    """A network whose output is half the weighted square of its parameters."""

    def __init__(self, weights: Tensor, curvatures: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)
        self.curvatures = curvatures

    def forward(self, inputs: Tensor) -> Tensor:
        return (self.curvatures * self.weights**2 / 2).sum().expand(len(inputs))


def bowl(weights: Tensor, curvatures: Tensor) -> Objective:
    batches = [(torch.zeros(3, 1), torch.zeros(3, dtype=torch.int64))]
    return Objective(Bowl(weights, curvatures), batches, criterion=lambda outputs, _: outputs.sum())


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rho", [0.05, 0.5])
def test_equals_the_direct_evaluation(masked: bool, rho: float) -> None:
    net, batches, all_masks = small_problem()
    masks = all_masks if masked else {}
    inputs, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    other = copy.deepcopy(net)
    before = functional.cross_entropy(other(inputs), labels)
    before.backward()
    with torch.no_grad():
        for name, p in other.named_parameters():
            p.grad *= masks.get(name, 1)
        norm = torch.cat([p.grad.flatten() for p in other.parameters()]).norm()
        for p in other.parameters():
            p += rho * p.grad / norm
        after = functional.cross_entropy(other(inputs), labels)
    measured = sharpness(Objective(net, batches, masks), rho=rho)
    assert measured == pytest.approx((after - before).item(), rel=1e-9)
    assert measured > 0


def test_a_quadratic_bowl() -> None:
    # g = (2·3, 8·0.5) = (6, 4); L(θ + ρ ĝ) − L(θ) = ρ‖g‖ + ρ²/2 · ĝᵀHĝ.
    objective = bowl(torch.tensor([3.0, 0.5]), torch.tensor([2.0, 8.0]))
    expected = 0.1 * math.sqrt(52) + 0.01 / 2 * (2 * 36 + 8 * 16) / 52
    assert sharpness(objective, rho=0.1) == pytest.approx(expected, rel=1e-12)


def test_masks_of_true_are_the_full_space() -> None:
    net, batches, masks = small_problem()
    whole = {name: torch.ones_like(mask) for name, mask in masks.items()}
    assert sharpness(Objective(net, batches, whole)) == sharpness(Objective(net, batches))


def test_zero_where_there_is_no_slope_no_radius_or_no_survivor() -> None:
    assert sharpness(bowl(torch.zeros(2), torch.ones(2))) == 0
    assert sharpness(bowl(torch.ones(2), torch.ones(2)), rho=0) == 0
    net, batches, _ = small_problem()
    nothing = whole_masks(net, False)
    assert sharpness(Objective(net, batches, nothing)) == 0


def test_a_gradient_whose_square_underflows_still_gives_a_full_step() -> None:
    single = bowl(torch.full((40,), 1e-30, dtype=torch.float32), torch.ones(40, dtype=torch.float32))
    assert sharpness(single, rho=0.1) == pytest.approx(0.005, rel=1e-5)


def test_one_example_and_a_dead_layer() -> None:
    net, batches, masks = small_problem()
    one = [(batches[0][0][:1], batches[0][1][:1])]
    assert sharpness(Objective(net, one, masks)) > 0
    masks["4.weight"] = torch.zeros_like(masks["4.weight"])
    with torch.no_grad():
        net[4].weight.zero_()
    assert sharpness(Objective(net, batches, masks)) > 0  # the output's bias still moves


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_loss_that_is_not_finite_gives_nan(value: float) -> None:
    net, batches, _ = small_problem()
    with torch.no_grad():
        net[4].weight[0, 0] = value
    assert math.isnan(sharpness(Objective(net, batches)))
    steep = bowl(torch.tensor([1e154]), torch.tensor([1.0]))
    assert math.isnan(sharpness(steep, rho=1e155))


@pytest.mark.parametrize("rho", [-0.1, math.nan, math.inf])
def test_a_wrong_radius_is_named(rho: float) -> None:
    with pytest.raises(UserError, match=f"rho is {rho}"):
        sharpness(bowl(torch.ones(1), torch.ones(1)), rho=rho)
