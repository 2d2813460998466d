import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.measures.landscape import filter_normalised_direction, loss_curves
from sdd.measures.objective import Objective
from tests.measures.networks import generator, small_problem, whole_masks

pytestmark = pytest.mark.usefixtures("double_precision")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("zeroed", [False, True])
def test_each_filter_of_a_direction_is_as_long_as_the_networks(masked: bool, zeroed: bool) -> None:
    net, batches, all_masks = small_problem(channels=2)
    masks = all_masks if masked else {}
    if zeroed:
        with torch.no_grad():
            for name, mask in masks.items():
                net.get_parameter(name).mul_(mask)
    objective = Objective(net, batches, masks)
    direction = objective.split(filter_normalised_direction(objective, generator()))
    for name, p in net.named_parameters():
        mask = masks.get(name, torch.ones_like(p, dtype=torch.bool))
        if p.ndim < 2:
            assert not direction[name].any()
        else:
            assert not direction[name][~mask].any()
            assert direction[name][mask].all()
            for drawn, weight in zip(direction[name], p.detach() * mask, strict=True):
                assert float(drawn.norm()) == pytest.approx(float(weight.norm()), rel=1e-12)


def test_a_direction_is_gaussian_before_it_is_rescaled() -> None:
    net = nn.Linear(20_000, 1)
    objective = Objective(net, [(torch.zeros(1, 20_000), torch.zeros(1, dtype=torch.int64))])
    first, second = (filter_normalised_direction(objective, generator(seed))[:-1] for seed in (5, 6))
    unit = first / first.square().mean().sqrt()
    assert abs(float(unit.mean())) < 0.03
    assert float(unit.pow(4).mean()) == pytest.approx(3, rel=0.1)
    assert abs(float(torch.cosine_similarity(first, second, dim=0))) < 0.03
    assert abs(float(torch.cosine_similarity(first, net.weight.detach()[0], dim=0))) < 0.03


def test_curves_equal_the_direct_evaluation() -> None:
    net, batches, masks = small_problem(channels=2)
    objective = Objective(net, batches, masks)
    curves = loss_curves(objective, directions=2, points=5, generator=generator())
    assert curves.alphas.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert curves.losses.shape == (2, 5)
    assert curves.alphas.dtype == curves.losses.dtype == torch.float64
    inputs, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    source = generator()
    for row in curves.losses:
        direction = objective.split(filter_normalised_direction(objective, source))
        for alpha, loss in zip(curves.alphas.tolist(), row.tolist(), strict=True):
            moved = copy.deepcopy(net)
            with torch.no_grad():
                for name, p in moved.named_parameters():
                    p += alpha * direction[name]
                expected = float(functional.cross_entropy(moved(inputs), labels))
            assert loss == pytest.approx(expected, rel=1e-12)


def test_a_quadratic_bowl_of_one_filter_has_the_same_curve_for_orthogonal_parts() -> None:
    # L = ‖w‖²/2 over one filter, and ‖d‖ = ‖w‖: L(α) = (1 + α²)‖w‖²/2 + α⟨w, d⟩, so its even part is known.
    net = nn.Linear(5, 1, bias=False)
    batches = [(torch.eye(5), torch.zeros(5, dtype=torch.int64))]
    objective = Objective(net, batches, criterion=lambda outputs, _: 5 * outputs.square().sum() / 2)
    curves = loss_curves(objective, directions=4, points=9, generator=generator())
    even = (curves.losses + curves.losses.flip(1)) / 2
    square = float(net.weight.detach().square().sum())
    torch.testing.assert_close(even, ((1 + curves.alphas**2) * square / 2).expand(4, 9))


def test_defaults_are_symmetric_and_meet_at_the_loss_of_the_network() -> None:
    net, batches, masks = small_problem(channels=2)
    objective = Objective(net, batches, masks)
    curves = loss_curves(objective, generator=generator())
    assert curves.losses.shape == (5, 21)
    assert torch.equal(curves.alphas, -curves.alphas.flip(0))
    assert curves.alphas[10] == 0
    assert (curves.losses[:, 10] == objective.loss()).all()
    assert len(set(curves.losses[:, 0].tolist())) == 5


def test_masks_of_true_are_the_full_space() -> None:
    net, batches, masks = small_problem(channels=2)
    whole = Objective(net, batches, {name: torch.ones_like(mask) for name, mask in masks.items()})
    expected = loss_curves(Objective(net, batches), directions=2, points=3, generator=generator())
    assert torch.equal(loss_curves(whole, directions=2, points=3, generator=generator()).losses, expected.losses)


def test_float32_draws_the_same_directions() -> None:
    net, batches, masks = small_problem(channels=2)
    precise = loss_curves(Objective(net, batches, masks), directions=2, points=3, generator=generator())
    single = Objective(net.float(), [(x.float(), y) for x, y in batches], masks)
    curves = loss_curves(single, directions=2, points=3, generator=generator())
    torch.testing.assert_close(curves.losses, precise.losses, rtol=1e-5, atol=0)


def test_a_dead_layer_and_a_dead_filter_stay_dead() -> None:
    net, batches, masks = small_problem(channels=2)
    masks["0.weight"][:] = False
    with torch.no_grad():
        net[0].weight.zero_()
        net[4].weight[1].zero_()
    objective = Objective(net, batches, masks)
    direction = objective.split(filter_normalised_direction(objective, generator()))
    assert not direction["0.weight"].any()
    assert not direction["4.weight"][1].any()
    assert direction["4.weight"].isfinite().all()
    assert loss_curves(objective, generator=generator()).losses.isfinite().all()


def test_no_surviving_coordinate_gives_flat_curves() -> None:
    net, batches, _ = small_problem(channels=2)
    nothing = whole_masks(net, False)
    objective = Objective(net, batches, nothing)
    assert (loss_curves(objective, generator=generator()).losses == objective.loss()).all()


def test_one_example() -> None:
    net, batches, masks = small_problem(channels=2)
    objective = Objective(net, [(batches[0][0][:1], batches[0][1][:1])], masks)
    assert loss_curves(objective, directions=1, points=3, generator=generator()).losses.isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_loss_that_is_not_finite_gives_nan(value: float) -> None:
    net, batches, _ = small_problem(channels=2)
    with torch.no_grad():
        net[4].weight[0, 0] = value
    curves = loss_curves(Objective(net, batches), directions=1, points=3, generator=generator())
    assert curves.losses.isnan().all()


@pytest.mark.parametrize(("name", "value"), [("directions", 0), ("points", 1), ("points", 4), ("points", -3)])
def test_wrong_arguments_are_named(name: str, value: int) -> None:
    net, batches, masks = small_problem(channels=2)
    with pytest.raises(UserError, match=f"{name} is {value}"):
        loss_curves(Objective(net, batches, masks), generator=generator(), **{name: value})
