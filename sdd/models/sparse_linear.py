"""Linear layers whose training steps compute with the surviving weights alone.

With W [out, in] the weights of a layer, of which `mask` survive, x [n, in] its inputs and g [n, out] the gradient of
its outputs, a training step takes three products:

| product | dense | sparse |
|---|---|---|
| outputs | x Wᵀ | (W xᵀ)ᵀ, W as compressed sparse rows |
| gradient of the inputs | g W | (Wᵀ gᵀ)ᵀ, Wᵀ as compressed sparse rows |
| gradient of the weights | gᵀ x, removed ones masked afterwards | gᵀ x at the surviving places only |

Removed weights are exactly zero, so both are the same sums, added up in another order: they differ by rounding. Weights
and gradients stay ordinary dense tensors, whose values are read, and written, at the surviving places. Nothing but
training steps is computed so: layers are swapped while the network is run for its loss, and put back at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.models.mlp import MLP
from sdd.models.sparse_products import Pattern, may_pay, pays

ARITHMETICS = ("dense", "sparse", "auto")

_TYPES = (torch.float32, torch.float64)

# Networks of nothing but these take activations of any strides: a transposing copy less for each product. Dropout is
# none of them, since what it draws follows the order in memory.
_ANY_STRIDES = (
    MLP,
    nn.BatchNorm1d,
    nn.Flatten,
    nn.GELU,
    nn.Identity,
    nn.LeakyReLU,
    nn.Linear,
    nn.ModuleList,
    nn.ReLU,
    nn.Sequential,
    nn.Sigmoid,
    nn.SiLU,
    nn.Tanh,
)


class _SparseLinear(torch.autograd.Function):
    """x Wᵀ + b, with gradients for all three; see the module's table."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None, pattern: Pattern, any_strides: bool
    ) -> Tensor:
        """Map inputs [n, in] to outputs [n, out]."""
        columns = inputs.t().contiguous()
        weights = pattern.weights(weight)
        if bias is None:
            outputs = torch.mm(weights, columns).t()
        else:
            outputs = torch.addmm(bias.unsqueeze(1), weights, columns).t()
        ctx.save_for_backward(inputs, weight, columns)
        ctx.pattern = pattern
        return outputs if any_strides else outputs.contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Map the gradient of the outputs [n, out] to those of inputs [n, in], weights [out, in] and bias [out]."""
        (gradient,) = gradients
        inputs, weight, columns = ctx.saved_tensors
        of_inputs = of_weight = of_bias = None
        inputs_learn, weight_learns, bias_learns, *_ = ctx.needs_input_grad
        if torch.is_grad_enabled():  # this gradient is to be differentiated itself
            of_inputs = gradient @ weight if inputs_learn else None
            of_weight = gradient.t() @ inputs if weight_learns else None
            return of_inputs, of_weight, gradient.sum(0) if bias_learns else None, None, None
        rows = gradient.t().contiguous()
        if inputs_learn:
            of_inputs = torch.mm(ctx.pattern.transposed(weight), rows).t()
            if inputs.is_contiguous():
                of_inputs = of_inputs.contiguous()
        if weight_learns:
            of_weight = ctx.pattern.product(rows, columns.t())
        if bias_learns:
            of_bias = rows.sum(1)
        return of_inputs, of_weight, of_bias, None, None


class Plan(NamedTuple):
    """How a layer computes with its surviving weights alone; patterns are compared by identity."""

    pattern: Pattern
    turns: bool
    """Whether its outputs stay transposed in memory."""


class _Layer:
    """A linear layer with what it needs to compute with its surviving weights.

    Args:
        module: The layer.
        pattern: Of its weight.
        always: Whether it does so whenever it can, or only where it `pays`.
        follower: The layer that takes its outputs, with nothing between them that minds how they lie in memory.
    """

    def __init__(self, module: nn.Linear, pattern: Pattern, *, always: bool, follower: "_Layer | None") -> None:
        self.module, self._weight, self.pattern = module, module.weight, pattern
        self._always, self._follower = always, follower
        self._choices: dict[tuple[object, ...], tuple[bool, bool]] = {}
        self.used = False

    @property
    def has_its_weight(self) -> bool:
        """Whether the layer's weight is the parameter whose pattern this is, and nobody has put another there."""
        return self.module._parameters["weight"] is self._weight

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs [..., in] to outputs [..., out]: sparse where that is exact and worth it, else dense."""
        weight, bias = self.module._parameters["weight"], self.module._parameters["bias"]
        assert weight is not None
        if not self.has_its_weight or _is_transformed(inputs):
            return functional.linear(inputs, weight, bias)
        kind = (inputs.shape, inputs.stride(), inputs.requires_grad, inputs.dtype, inputs.device)
        choice = self._choices.get(kind)
        if choice is None:
            choice = self._choices[kind] = self._choose(inputs)
        sparse, turns = choice
        if not sparse:
            return functional.linear(inputs, weight, bias)
        self.used = True
        if inputs.ndim == 2:
            outputs: Tensor = _SparseLinear.apply(inputs, weight, bias, self.pattern, turns)
            return outputs
        rows = inputs.reshape(-1, inputs.shape[-1])
        outputs = _SparseLinear.apply(rows, weight, bias, self.pattern, turns)
        return outputs.view(*inputs.shape[:-1], -1)

    def _choose(self, inputs: Tensor) -> tuple[bool, bool]:
        """Return whether inputs of this kind are computed with sparsely, and whether outputs stay transposed."""
        weight, features = self._weight, self.pattern.shape[1]
        if (inputs.dtype, inputs.device) != (weight.dtype, weight.device) or not inputs.numel():
            return False, False
        if inputs.shape[-1] != features:  # PyTorch says so
            return False, False
        rows, learn = inputs.numel() // features, inputs.requires_grad
        if inputs.ndim == 2:
            return self.choose(rows, learn=learn, turned=inputs.stride(0) == 1)
        return self.pays(rows, learn=learn, turned=False), False

    def choose(self, rows: int, *, learn: bool, turned: bool) -> tuple[bool, bool]:
        """Return whether inputs [rows, in] are computed with sparsely, and whether outputs then stay transposed.

        Args:
            rows: Of the inputs.
            learn: Whether a gradient of the inputs is wanted.
            turned: Whether the inputs lie transposed in memory.
        """
        turns = self._follower is not None and self._follower.pays(rows, learn=True, turned=True)
        return self.pays(rows, learn=learn, turned=turned, turns=turns), turns

    def pays(self, rows: int, *, learn: bool, turned: bool, turns: bool = False) -> bool:
        """Tell whether a batch is to be computed with sparsely.

        Args:
            rows: Of the inputs.
            learn: Whether a gradient of the inputs is wanted.
            turned: Whether the inputs lie in memory as sparse products take them.
            turns: Whether the outputs may.
        """
        if self._always:
            return True
        if self._weight.dtype != torch.float32:
            return False
        outputs, features = self.pattern.shape
        moved = (0 if turned else 1 + learn) * features + (0 if turns else 2) * outputs
        return pays(3 if learn else 2, rows, self.pattern.shape, self.pattern.count, moved)


def _is_transformed(inputs: Tensor) -> bool:
    """Tell whether operators do other than they say: record nothing, cast, compile, batch, or compute again later."""
    return (
        type(inputs) not in (Tensor, nn.Parameter)
        or not torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or torch.is_autocast_enabled("cpu")
        or torch._C._are_functorch_transforms_active()
        or torch._C._autograd._top_saved_tensors_default_hooks(True) is not None
    )


class SparseLinears:
    """The layers of a network that compute with their surviving weights alone, as long as the context is entered.

    Their parameters, hooks and classes stay as they are: what is swapped is the `forward` of each object.

    Args:
        layers: By the name of their weight.
    """

    def __init__(self, layers: Iterable[tuple[str, _Layer]] = ()) -> None:
        self._layers = tuple(layers)

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def used(self) -> list[str]:
        """Names of the weights that have been computed with sparsely so far."""
        return list(dict.fromkeys(name for name, layer in self._layers if layer.used))

    def plan(self, chain: Sequence[nn.Linear], rows: int) -> list[Plan | None]:
        """Return how the layers of a chain would be computed, and note that they are; None: densely.

        Args:
            chain: The layers, each of which takes what the one before gives, with a ReLU between them.
            rows: Of the inputs.
        """
        layers = {id(layer.module): layer for _, layer in self._layers}
        plans: list[Plan | None] = []
        turned = False
        for number, module in enumerate(chain):
            layer = layers.get(id(module))
            if layer is not None and not layer.has_its_weight:
                layer = None
            sparse, turns = (False, False) if layer is None else layer.choose(rows, learn=number > 0, turned=turned)
            if layer is None or not sparse:
                turned = False
                plans.append(None)
                continue
            layer.used, turned = True, turns
            plans.append(Plan(layer.pattern, turns))
        return plans

    def __enter__(self) -> None:
        """Swap."""
        for _, layer in self._layers:
            layer.module.__dict__["forward"] = layer.forward

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Put back."""
        for _, layer in self._layers:
            layer.module.__dict__.pop("forward", None)


def sparse_linears(arithmetic: str, net: nn.Module, masks: Mapping[str, Tensor]) -> SparseLinears:
    """Return the layers of a network that may compute with their surviving weights alone.

    They are those of class `nn.Linear` itself that have lost weights, on the CPU. A layer whose weight is computed from
    other parameters, or whose forward is another than the class's, stays dense.

    Args:
        arithmetic: `dense`: none; `sparse`: all of them; `auto`: all of them, where it `pays`.
        net: The network; its removed weights are zero.
        masks: True where a weight survives, by the first name of the parameter, bool of its shape.
    """
    if arithmetic == "dense":
        return SparseLinears()
    patterns = {
        id(net.get_parameter(name)): (name, Pattern(mask, net.get_parameter(name).dtype))
        for name, mask in masks.items()
        if mask.ndim == 2 and not bool(mask.all()) and (arithmetic == "sparse" or may_pay(mask))
    }
    modules = list(net.modules())
    free = all(type(module) in _ANY_STRIDES for module in modules)
    found: list[tuple[str, _Layer]] = []
    follower: _Layer | None = None
    for module in reversed(modules):
        if not isinstance(module, nn.Linear):
            continue
        name, pattern = patterns.get(id(module.weight), ("", None)) if _is_plain(module) else ("", None)
        layer = None
        if pattern is not None:
            layer = _Layer(module, pattern, always=arithmetic == "sparse", follower=follower)
        follower = layer if free else None
        if layer is not None:
            found.append((name, layer))
    return SparseLinears(reversed(found))


def check_arithmetic(arithmetic: str, net: nn.Module, prunable: Iterable[str], *, compiled: bool = False) -> None:
    """Find out whether a network has a layer that can compute with its surviving weights alone, if that is asked.

    Args:
        arithmetic: What is asked for.
        net: The network.
        prunable: First names of the weights that are pruned.
        compiled: Whether training steps run it compiled.

    Raises:
        UserError: It has none, or is compiled.
    """
    if arithmetic != "sparse":
        return
    wanted = {id(net.get_parameter(name)) for name in prunable}
    if not any(
        isinstance(module, nn.Linear) and _is_plain(module) and id(module.weight) in wanted for module in net.modules()
    ):
        raise UserError(
            "pruning.arithmetic sparse is for networks with a prunable torch.nn.Linear of 32 or 64 bits on the CPU, "
            "and this one has none: set it to dense, or to auto, which is dense where sparse does not apply"
        )
    if compiled or any(module._compiled_call_impl is not None for module in net.modules()):
        raise UserError(
            "pruning.arithmetic is sparse, but the network is compiled, so that its layers cannot be swapped: set it "
            "to dense, or to auto, or do not compile the network"
        )


def _is_plain(module: nn.Linear) -> bool:
    weight = module._parameters.get("weight")
    return (
        type(module) is nn.Linear
        and "forward" not in module.__dict__
        and weight is not None
        and weight.dtype in _TYPES
        and weight.device.type == "cpu"
    )
