"""The loss as a function of a network's surviving parameters: value, gradient, Hessian-vector products."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from sdd.losses.cross_entropy import cross_entropy
from sdd.measures.second_derivatives import twice_differentiable
from sdd.models.modes import as_written, kept_modes
from sdd.models.state import places

Criterion = Callable[[Tensor, Tensor], Tensor]


def summed_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum of −log softmax(logits)[label], in nats, over logits [B, C] and int64 labels [B]; a scalar."""
    return cross_entropy(logits, labels, reduction="sum")


class Objective:
    """Mean loss L(θ) over a fixed set of examples, in evaluation mode, as a function of surviving parameters.

    Vectors (offsets, gradients, products) are flat and hold the surviving coordinates only: trainable
    parameters in the order of `net.named_parameters()`, each flattened, its pruned weights left out. In these
    coordinates the Hessian is M H Mᵀ, with M the selection of surviving rows: the curvature along directions
    in which the network can move. `split` and `join` go between such vectors and tensors shaped as the
    parameters.

    θ is read from the network at each call, pruned weights as they stand. No call changes the network, its
    parameters, buffers, gradients or modes, nor the global random state, even when it raises; each computes
    with copies, in the parameters' own precision (no autocast, no TF32), whatever gradient mode the caller is
    in. A loss that is not finite makes gradients and products NaN.

    Costs are in forward passes over all examples; a backward pass counts as two.

    Args:
        net: Any network whose parameters share one device and one floating-point type.
        batches: Pairs of network inputs and labels on the network's device. Sizes may differ; the mean is
            over examples.
        masks: For names in `net.named_parameters()`, bool tensors of the parameter's shape, True = survives.
            Parameters without a mask survive whole; None is the full parameter space.
        criterion: Maps (outputs, labels) to the sum of the losses of a batch's examples, a scalar.

    Raises:
        ValueError: No examples; a mask for an unknown parameter, of another shape, or not of bool.
    """

    def __init__(
        self,
        net: nn.Module,
        batches: Sequence[tuple[Tensor, Tensor]],
        masks: Mapping[str, Tensor] | None = None,
        *,
        criterion: Criterion = summed_cross_entropy,
    ) -> None:
        self._examples = sum(len(labels) for _, labels in batches)
        if self._examples == 0:
            raise ValueError("an objective needs at least one example")
        self._net = net
        self._criterion = criterion
        self._parameters = {name: p for name, p in net.named_parameters() if p.requires_grad}
        self._places = places(net)
        first = next(iter(self._parameters.values()), torch.empty(0, device=batches[0][0].device))
        self.device, self.dtype = first.device, first.dtype
        with torch.inference_mode(False):
            self._batches = [(_differentiable(inputs), _differentiable(labels)) for inputs, labels in batches]
            self._survivors = self._surviving_indices(masks or {})
        self._size = sum(p.numel() for p in self._parameters.values())
        self.dimension = self._size if self._survivors is None else len(self._survivors)

    def weights(self) -> Tensor:
        """Return a copy of θ on the surviving coordinates, [dimension]. Free."""
        with torch.inference_mode(False):
            return self.join({name: p.detach() for name, p in self._parameters.items()})

    def split(self, vector: Tensor) -> dict[str, Tensor]:
        """Spread a vector [dimension] over tensors shaped as the trainable parameters, 0 where pruned. Free.

        Raises:
            ValueError: The vector has another shape.
        """
        if vector.shape != (self.dimension,):
            raise ValueError(f"a vector of shape {tuple(vector.shape)}; allowed: ({self.dimension},)")
        full = vector.detach()
        if self._survivors is not None:
            full = full.new_zeros(self._size).index_copy_(0, self._survivors, full)
        parts = torch.split(full, [p.numel() for p in self._parameters.values()])
        return {name: part.view(p.shape) for part, (name, p) in zip(parts, self._parameters.items(), strict=True)}

    def join(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Gather a vector [dimension] from tensors shaped as the trainable parameters. Free."""
        if not self._parameters:
            return torch.zeros(0, device=self.device, dtype=self.dtype)
        full = torch.cat([tensors[name].reshape(-1) for name in self._parameters])
        return full if self._survivors is None else full.index_select(0, self._survivors)

    def loss(self, offset: Tensor | None = None) -> float:
        """Return L(θ + offset), in nats per example for cross-entropy.

        Cost: 1 forward pass.

        Args:
            offset: Vector [dimension]; None for L(θ).
        """
        with self._undisturbed(), torch.no_grad():
            point = self._point()
            if offset is not None:
                for name, step in self.split(offset).items():
                    point[name] += step
            return float(torch.stack(list(self._losses(point))).cpu().double().sum())

    def losses_along(self, direction: Tensor, alphas: Sequence[float]) -> list[float]:
        """Return L(θ + α d) for each α.

        Cost: 1 forward pass for each α.

        Args:
            direction: d, [dimension].
            alphas: Steps.
        """
        with self._undisturbed(), torch.no_grad():
            point, step = self._point(), self.split(direction)
            return [
                float(
                    torch.stack(list(self._losses({name: w.add(step[name], alpha=alpha) for name, w in point.items()})))
                    .cpu()
                    .double()
                    .sum()
                )
                for alpha in alphas
            ]

    def loss_and_gradient(self) -> tuple[float, Tensor]:
        """Return L(θ) and its gradient, [dimension]. Cost: 1 gradient = 3 forward passes."""
        with self._undisturbed():
            point = self._point()
            total = 0.0
            gradient = torch.zeros(self.dimension, device=self.device, dtype=self.dtype)
            for loss in self._losses(point):
                total += float(loss.detach())
                gradient += self.join(_first_derivative(loss, point))
            return total, _nan_unless(torch.tensor(total), gradient)

    def gradient(self) -> Tensor:
        """Return the gradient of L at θ, [dimension]. Cost: 1 gradient = 3 forward passes."""
        return self.loss_and_gradient()[1]

    def hessian_vector_product(self, vector: Tensor) -> Tensor:
        """Return H v for one vector [dimension] by double backward (Pearlmutter 1994).

        Cost: 1 product; 2.5 to 3.5 gradients as timed on MLPs and ResNets.
        """
        return self.hessian_vector_products(vector.unsqueeze(0)).squeeze(0)

    def hessian_vector_products(self, vectors: Tensor) -> Tensor:
        """Return H v for each row v of vectors [K, dimension]; [K, dimension].

        The graph of the gradient is built once for all rows.

        Cost: K products, each 1.5 to 2.5 gradients for K = 8.

        Raises:
            ValueError: The vectors have another length.
        """
        with self._undisturbed():
            point = self._point()
            products = torch.zeros(vectors.shape, device=self.device, dtype=self.dtype)
            total = torch.zeros((), device=self.device)
            for loss in self._losses(point):
                total += loss.detach()
                gradient = _first_derivative(loss, point, create_graph=True)
                for product, vector in zip(products, vectors, strict=True):
                    product += self.join(_second_derivative(gradient, self.split(vector), point))
            return _nan_unless(total, products)

    def _surviving_indices(self, masks: Mapping[str, Tensor]) -> Tensor | None:
        shapes = {name: p.shape for name, p in self._net.named_parameters()}
        for name, mask in masks.items():
            if name not in shapes:
                raise ValueError(f"a mask for {name!r}, which is no parameter of the network")
            if mask.shape != shapes[name] or mask.dtype != torch.bool:
                raise ValueError(
                    f"the mask of {name!r} is {mask.dtype} of shape {tuple(mask.shape)}; "
                    f"allowed: torch.bool of shape {tuple(shapes[name])}"
                )
        if not any(name in masks for name in self._parameters):
            return None
        keep = [
            masks[name].detach().to(self.device).reshape(-1)
            if name in masks
            else torch.ones(p.numel(), dtype=torch.bool, device=self.device)
            for name, p in self._parameters.items()
        ]
        survives = torch.cat(keep)
        return None if bool(survives.all()) else survives.nonzero().squeeze(1)

    def _point(self) -> dict[str, Tensor]:
        """Copies of the trainable parameters, as leaves of a new graph."""
        return {name: p.detach().clone().requires_grad_() for name, p in self._parameters.items()}

    def _losses(self, point: Mapping[str, Tensor]) -> Iterator[Tensor]:
        """Each batch's part of L at the point, one after the other; they sum to L."""
        buffers = {name: buffer.detach().clone() for name, buffer in self._net.named_buffers()}
        for inputs, labels in self._batches:
            outputs = functional_call(self._net, self._placed({**point, **buffers}), (inputs,), tie_weights=False)
            yield self._criterion(outputs, labels) / self._examples

    def _placed(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors, each [...] by first name, by the name of every module that holds them.

        `functional_call` would tie them itself, but leaves its copies in a module that has two names.
        """
        return {place: tensors[first] for place, first in self._places.items() if first in tensors}

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Evaluation mode, gradients on, full precision, twice differentiable; everything as it was afterwards."""
        cuda = [self.device] if self.device.type == "cuda" else []
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(self.device.type, enabled=False),
            torch.random.fork_rng(cuda),
            _full_precision(),
            _twice_differentiable(),
            kept_modes(self._net, training=False),
            twice_differentiable(self._net),
        ):
            yield


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32 or bfloat16 inside float32 products: their error of 1e-3 is above the measures' tolerance."""
    of: Any = torch.backends  # without type stubs for these
    operators = (of.cuda.matmul, of.cudnn.conv, of.cudnn.rnn, of.mkldnn.matmul, of.mkldnn.conv)
    saved = [operator.fp32_precision for operator in operators]
    try:
        for operator in operators:
            operator.fp32_precision = "ieee"
        yield
    finally:
        for operator, precision in zip(operators, saved, strict=True):
            operator.fp32_precision = precision


@contextmanager
def _twice_differentiable() -> Iterator[None]:
    """No fused attention and no compiled code: their backward passes cannot be differentiated again."""
    with sdpa_kernel(SDPBackend.MATH), as_written():
        yield


def _differentiable(tensor: Tensor) -> Tensor:
    """The tensor, or a copy that autograd accepts if it was made in inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor


def _first_derivative(loss: Tensor, point: Mapping[str, Tensor], create_graph: bool = False) -> dict[str, Tensor]:
    """∂loss/∂point, zeros where the loss does not depend on it."""
    if not point or not loss.requires_grad:
        return {name: torch.zeros_like(p) for name, p in point.items()}
    gradients = torch.autograd.grad(loss, list(point.values()), create_graph=create_graph, materialize_grads=True)
    return dict(zip(point, gradients, strict=True))


def _second_derivative(
    gradient: Mapping[str, Tensor], direction: Mapping[str, Tensor], point: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """∂⟨gradient, direction⟩/∂point; the gradient's graph is kept for the next direction."""
    curved = [name for name, g in gradient.items() if g.requires_grad]
    if not curved:
        return {name: torch.zeros_like(p) for name, p in point.items()}
    seconds = torch.autograd.grad(
        [gradient[name] for name in curved],
        list(point.values()),
        [_differentiable(direction[name]) for name in curved],
        retain_graph=True,
        materialize_grads=True,
    )
    return dict(zip(point, seconds, strict=True))


def _nan_unless(loss: Tensor, vectors: Tensor) -> Tensor:
    return vectors.masked_fill_(~torch.isfinite(loss).to(vectors.device), torch.nan)
