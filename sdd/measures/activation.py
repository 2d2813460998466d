"""Activation entropy: how evenly the neurons of each rectifying layer are on and off over examples."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.models.modes import as_written, kept_modes

ACTIVATION_ENTROPY = Column(
    "activation_entropy",
    "activation entropy",
    "entropy of whether a neuron is on, over training examples; mean over neurons, then over layers",
    "bit",
    "#009E73",
    cost="a forward pass over `entropy.examples` training examples (default 500)",
    section="Activations",
)
"""Column of the mean of `activation_entropies`; that of a layer is `activation_entropy/LAYER`."""

_RECTIFIERS = frozenset({"relu", "leaky_relu", "_prelu_kernel", "rrelu_with_noise"})
_CLAMPS = frozenset({"clamp", "clamp_min", "threshold", "hardtanh"})
"""Operators of ATen that rectify, and those that do where they clamp from 0."""


def activation_entropies(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Return the mean entropy of the neurons' states for each rectifier that the network applies.

    A neuron is on where its rectified output is above 0. With p, the fraction of the N examples for which it is on, its
    entropy is −p log₂ p − (1 − p) log₂(1 − p): 0 for a neuron that is always on or always off, 1 bit for one that is on
    for half of the examples (Quétu & Tartaglione 2024, "DSD²: Can we dodge sparse double descent and compress the
    neural network worry-free?"). Each element of an example's activation is a neuron: a unit of a linear layer, a
    channel at a position of a convolution. So it is in that paper's code, which takes p over a mini-batch of 400, where
    this takes it over all examples.

    Rectifiers are ReLU, ReLU6, PReLU, leaky and randomised ReLU, and clamping from 0, however they are called. A layer
    has the name of the module that rectifies, such as `stages.0.0.relu`; where a larger module rectifies by a function,
    that of its submodule before, such as `hidden.0`. A name that comes again in a forward pass has a number:
    `stages.0.0.relu#2`.

    Args:
        net: Maps inputs [B, ...] to logits [B, C]; run in evaluation mode, its mode is as before afterwards.
        batches: Inputs and labels [B]; the labels are not used.

    Returns:
        Mean entropy of each layer, in bits, in the order in which they first come; NaN where an activation is.

    Raises:
        UserError: The network rectifies nothing, or something else than an activation of each example.
    """
    states = _States()
    with torch.no_grad(), kept_modes(net, training=False), as_written(), states.located(net):
        for inputs, _ in batches:
            states.begin(len(inputs))
            with states:
                net(inputs)
    if not states.on:
        raise UserError(
            f"{type(net).__name__} has no ReLU or relative of it, such as leaky ReLU, so that its neurons are not on "
            "or off and have no entropy: leave entropy.activation off"
        )
    return {name: float(_entropy(on / states.examples[name]).mean()) for name, on in states.on.items()}


def _entropy(p: Tensor) -> Tensor:
    """Return the entropy in bits [...] of float64 probabilities [...]; 0 of 0 and 1."""
    return -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)) / math.log(2)


class _States(TorchDispatchMode):
    """Counts for how many examples each neuron is on, while it is entered, at every rectifier of a network.

    It sees the operators that all forms of a function come down to: `nn.ReLU`, `functional.relu`, `tensor.relu_()`.

    Attributes:
        on: Examples for which a neuron is on, float64 [...], by the name of its layer; NaN where an activation is.
        examples: Number of examples so far, by the name of the layer.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.on: dict[str, Tensor] = {}
        self.examples: dict[str, int] = {}
        self.begin(0)

    def begin(self, size: int) -> None:
        """Begin a forward pass over as many examples."""
        self._size = size
        self._running: list[tuple[str, bool]] = []
        self._ended = ""  # the submodule of the running module that was run last
        self._uses: dict[str, int] = {}

    @contextmanager
    def located(self, net: nn.Module) -> Iterator[None]:
        """Follow meanwhile which module of a network is running."""
        handles = []
        try:
            for name, module in net.named_modules():
                whole = next(module.children(), None) is None
                handles.append(module.register_forward_pre_hook(partial(self._enter, name, whole)))
                handles.append(module.register_forward_hook(partial(self._leave, name)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str, whole: bool, *_: Any) -> None:
        self._running.append((name, whole))
        self._ended = ""

    def _leave(self, name: str, *_: Any) -> None:
        self._running.pop()
        self._ended = name

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        kind = func.overloadpacket.__name__.removesuffix("_")
        if kind in _RECTIFIERS or (kind in _CLAMPS and self._is_activation(output) and _from_zero(args, kwargs)):
            self._count(self._name(), output)
        return output

    def _name(self) -> str:
        module, whole = self._running[-1] if self._running else ("", False)
        name = (module if whole or not self._ended else self._ended) or "input"
        self._uses[name] = self._uses.get(name, 0) + 1
        return name if self._uses[name] == 1 else f"{name}#{self._uses[name]}"

    def _is_activation(self, output: Tensor) -> bool:
        return output.is_floating_point() and output.ndim > 1 and len(output) == self._size

    def _count(self, name: str, output: Tensor) -> None:
        if not self._is_activation(output):
            raise UserError(
                f"the activation entropy of {name} cannot be measured: it rectifies a tensor of shape "
                f"{list(output.shape)} where a batch has {self._size} examples; leave entropy.activation off"
            )
        on = (output > 0).double().masked_fill_(output.isnan(), torch.nan).sum(0)
        self.on[name] = self.on[name] + on if name in self.on else on
        self.examples[name] = self.examples.get(name, 0) + self._size


def _from_zero(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> bool:
    """Tell whether the first bound of a clamping operator, called so, is 0."""
    bound = next(iter([*args[1:], *(kwargs or {}).values()]), None)
    return isinstance(bound, int | float) and bound == 0
