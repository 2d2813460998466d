import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from sdd.measures.objective import Objective
from tests.measures.networks import (
    conv_net,
    direct_hessian,
    direct_loss,
    random_masks,
    small_problem,
    survivors,
    uneven_batches,
    whole_masks,
)

pytestmark = pytest.mark.usefixtures("double_precision")

SIZES = (7, 2, 1)


class Restless(nn.Module):
    """Draws random numbers, counts its calls in a buffer and changes its weight, even in evaluation mode."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.register_buffer("calls", torch.zeros(()))
        self.fail = fail

    def forward(self, features: Tensor) -> Tensor:
        self.calls += 1
        with torch.no_grad():
            self.weight.add_(1)
        if self.fail:
            raise RuntimeError("in the middle")
        noise = torch.rand(3, 1, 1, dtype=features.dtype, device=features.device)
        return features * self.weight[:, None, None] + noise


def shifted_net(*between: nn.Module) -> nn.Sequential:
    """A network whose running statistics differ from those of the batch."""
    net = conv_net(*between)
    net[1](torch.randn(40, 3, 3, 3) * 2 + 1)
    nn.init.uniform_(net[1].weight)
    return net


@pytest.mark.parametrize("masked", [False, True])
def test_value_gradient_and_products_are_those_of_the_mean_over_all_examples(masked: bool) -> None:
    net, batches = shifted_net(), uneven_batches(SIZES)
    masks = random_masks(net) if masked else {}
    keep = survivors(net, masks)
    objective = Objective(net, batches, masks)
    theta = nn.utils.parameters_to_vector(net.parameters()).detach()
    loss = direct_loss(net, batches)
    hessian = direct_hessian(net, batches, masks)
    vectors = torch.randn(3, objective.dimension)
    assert objective.dimension == int(keep.sum()) == len(objective.weights())
    assert objective.loss() == pytest.approx(float(loss(theta)), rel=1e-12)
    torch.testing.assert_close(objective.gradient(), torch.func.grad(loss)(theta)[keep])
    torch.testing.assert_close(objective.hessian_vector_products(vectors), vectors @ hessian)
    torch.testing.assert_close(objective.hessian_vector_product(vectors[0]), hessian @ vectors[0])


def test_an_offset_moves_the_surviving_coordinates_only() -> None:
    net, batches = shifted_net(), uneven_batches(SIZES)
    masks = random_masks(net)
    objective = Objective(net, batches, masks)
    offset = torch.randn(objective.dimension)
    moved = nn.utils.parameters_to_vector(net.parameters()).detach()
    moved[survivors(net, masks)] += offset
    assert objective.loss(offset) == pytest.approx(float(direct_loss(net, batches)(moved)), rel=1e-12)


def test_masks_of_true_are_the_full_space() -> None:
    net, batches = shifted_net(), uneven_batches(SIZES)
    whole = Objective(net, batches)
    masked = Objective(net, batches, random_masks(net, share=2))
    vector = torch.randn(whole.dimension)
    assert masked.dimension == whole.dimension
    assert torch.equal(masked.gradient(), whole.gradient())
    assert torch.equal(masked.hessian_vector_product(vector), whole.hessian_vector_product(vector))


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_join_undoes_split_and_pruned_weights_are_zero(share: float, seed: int) -> None:
    torch.manual_seed(seed)
    net = shifted_net()
    masks = random_masks(net, share)
    objective = Objective(net, uneven_batches(SIZES), masks)
    vector = torch.randn(objective.dimension)
    parts = objective.split(vector)
    assert {name: part.shape for name, part in parts.items()} == {n: p.shape for n, p in net.named_parameters()}
    assert all(bool((parts[name][~mask] == 0).all()) for name, mask in masks.items())
    assert torch.equal(objective.join(parts), vector)


@pytest.mark.parametrize("fail", [False, True])
@pytest.mark.parametrize("method", ["loss", "gradient", "hessian_vector_product"])
def test_nothing_is_changed_even_by_an_exception(method: str, fail: bool) -> None:
    net = shifted_net(Restless(fail))
    net.train()
    net[1].eval()
    net[0].bias.requires_grad_(False)
    net[0].weight.grad = torch.randn_like(net[0].weight)
    objective = Objective(net, uneven_batches(SIZES), {"0.weight": torch.rand(3, 1, 3, 3) < 0.5})
    arguments = (torch.ones(objective.dimension),) if method == "hessian_vector_product" else ()

    def state() -> list[object]:
        tensors = [t.clone() for t in net.state_dict().values()]
        grads = [p.grad if p.grad is None else p.grad.clone() for p in net.parameters()]
        tensors += [g for g in grads if g is not None] + [torch.get_rng_state()]
        flags = [m.training for m in net.modules()] + [p.requires_grad for p in net.parameters()]
        same = [id(t) for t in [*net.parameters(), *net.buffers()]]
        precision = [torch.backends.cudnn.conv.fp32_precision, torch.get_float32_matmul_precision()]
        return [t.numpy().tobytes() for t in tensors] + [g is None for g in grads] + flags + same + precision

    before = state()
    if fail:
        with pytest.raises(RuntimeError, match="in the middle"):
            getattr(objective, method)(*arguments)
    else:
        first = getattr(objective, method)(*arguments)
        assert not isinstance(first, Tensor) or not first.requires_grad
    assert state() == before
    assert torch.is_grad_enabled()


def test_the_callers_gradient_mode_does_not_matter() -> None:
    net, batches = shifted_net(), uneven_batches(SIZES)
    objective = Objective(net, batches)
    vector = torch.randn(objective.dimension)
    expected = objective.hessian_vector_product(vector)
    with torch.no_grad():
        assert torch.equal(objective.hessian_vector_product(vector), expected)
    with torch.inference_mode():
        inside = Objective(net, [(x.clone(), y.clone()) for x, y in batches])
        assert torch.equal(inside.hessian_vector_product(vector.clone()), expected)
        assert inside.loss(vector.clone()) == objective.loss(vector)
    with torch.autocast("cpu"):
        assert torch.equal(objective.hessian_vector_product(vector), expected)


def test_products_are_in_full_precision() -> None:
    seen = set()

    def criterion(outputs: Tensor, labels: Tensor) -> Tensor:
        seen.add((torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision))
        seen.add((torch.is_autocast_enabled("cpu"), outputs.dtype))
        return functional.cross_entropy(outputs, labels, reduction="sum")

    net = shifted_net().float()
    batches = [(x.float(), y) for x, y in uneven_batches(SIZES)]
    objective = Objective(net, batches, criterion=criterion)
    with torch.autocast("cpu"):
        gradient = objective.gradient()
    assert seen == {("ieee", "ieee"), (False, torch.float32)}
    assert gradient.dtype == objective.dtype == torch.float32
    precise = Objective(net.double(), [(x.double(), y) for x, y in batches]).gradient()
    torch.testing.assert_close(gradient.double(), precise, rtol=1e-4, atol=1e-6)


def test_frozen_parameters_are_constants_and_shared_ones_count_once() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    net[2].bias.requires_grad_(False)
    objective = Objective(net, [(torch.randn(5, 3), torch.randint(0, 3, (5,)))])
    assert objective.dimension == 9 + 3
    loss = functional.cross_entropy(net(objective._batches[0][0]), objective._batches[0][1])
    weight, bias = torch.autograd.grad(loss, [net[0].weight, net[0].bias])
    torch.testing.assert_close(objective.gradient(), torch.cat([weight.flatten(), bias]))


def test_nothing_survives() -> None:
    net, batches = shifted_net(), uneven_batches(SIZES)
    masks = whole_masks(net, False)
    objective = Objective(net, batches, masks)
    assert objective.dimension == 0
    assert objective.loss(torch.zeros(0)) == objective.loss() == Objective(net, batches).loss()
    assert objective.gradient().shape == objective.hessian_vector_product(torch.zeros(0)).shape == (0,)
    frozen = Objective(net.requires_grad_(False), batches)
    assert frozen.dimension == len(frozen.weights()) == len(frozen.gradient()) == 0


def test_a_parameter_that_the_loss_does_not_use_has_zero_derivatives() -> None:
    net = shifted_net()
    net.spare = nn.Linear(2, 2)
    net.forward = lambda inputs: nn.Sequential.forward(net[:5], inputs)
    objective = Objective(net, uneven_batches(SIZES))
    vector = torch.randn(objective.dimension)
    assert not objective.gradient()[-6:].any()
    assert not objective.hessian_vector_product(vector)[-6:].any()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e308])
def test_a_loss_that_is_not_finite_gives_nan(value: float) -> None:
    net, batches = nn.Linear(1, 2), [(torch.ones(2, 1), torch.tensor([0, 1]))]
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[value], [-value]]))  # 1e308: infinite loss, finite gradient
    objective = Objective(net, batches)
    assert not torch.isfinite(torch.tensor(objective.loss()))
    assert objective.gradient().isnan().all()
    assert objective.hessian_vector_product(torch.ones(4)).isnan().all()


def test_wrong_arguments_are_named() -> None:
    net, batches = shifted_net(), uneven_batches(SIZES)
    with pytest.raises(ValueError, match="at least one example"):
        Objective(net, [])
    with pytest.raises(ValueError, match="'layer', which is no parameter"):
        Objective(net, batches, {"layer": torch.ones(3, dtype=torch.bool)})
    with pytest.raises(ValueError, match=r"'1.weight' is torch.bool of shape \(2,\); allowed: .*\(3,\)"):
        Objective(net, batches, {"1.weight": torch.ones(2, dtype=torch.bool)})
    with pytest.raises(ValueError, match=r"'1.weight' is torch.float64"):
        Objective(net, batches, {"1.weight": torch.ones(3)})
    with pytest.raises(ValueError, match=r"shape \(3,\); allowed: \(148,\)"):
        Objective(net, batches).loss(torch.zeros(3))


class Attention(nn.Module):
    """Self-attention over five places, then four outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.fc = nn.Linear(30, 4)

    def forward(self, images: Tensor) -> Tensor:
        attended, _ = self.attention(images, images, images, need_weights=False)
        return self.fc(attended.flatten(1))


def test_products_of_attention_are_the_differences_of_its_gradient() -> None:
    torch.manual_seed(0)
    net = Attention().double().eval()
    inputs, labels = torch.randn(7, 5, 6, dtype=torch.float64), torch.randint(0, 4, (7,))
    parameters = list(net.parameters())
    theta = nn.utils.parameters_to_vector(parameters).detach().clone()
    direction = functional.normalize(torch.randn(len(theta), dtype=torch.float64), dim=0)

    def gradient(step: float) -> Tensor:
        nn.utils.vector_to_parameters(theta + step * direction, parameters)
        found = torch.autograd.grad(functional.cross_entropy(net(inputs), labels), parameters)
        return nn.utils.parameters_to_vector(found)

    h = 1e-3  # differences of fourth order: an error of h⁴, about 1e-12
    expected = (gradient(-2 * h) - 8 * gradient(-h) + 8 * gradient(h) - gradient(2 * h)) / (12 * h)
    nn.utils.vector_to_parameters(theta, parameters)
    found = Objective(net, [(inputs, labels)]).hessian_vector_product(direction)
    assert (found - expected).abs().max() < 1e-10 < expected.abs().max()
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.slow
def test_products_of_a_compiled_network_are_those_of_the_plain_one() -> None:
    net, batches, _ = small_problem()
    compiled = torch.compile(net, backend="aot_eager")
    compiled(batches[0][0])
    plain = Objective(net, batches)
    direction = torch.randn(plain.dimension)
    found = Objective(compiled, batches).hessian_vector_product(direction)
    assert torch.equal(found, plain.hessian_vector_product(direction))
