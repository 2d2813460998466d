"""Operations whose second derivative PyTorch lacks or has wrong, replaced by others of the same value."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode


@contextmanager
def twice_differentiable(net: nn.Module) -> Iterator[None]:
    """Compute a network meanwhile by operations that can be differentiated twice.

    Fused attention has no second derivative, nor have cuDNN's recurrent layers; that of the fused weight
    normalisation is wrong (PyTorch 2.14: it fails `torch.autograd.gradgradcheck`).

    Args:
        net: The network.
    """
    with ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if any(isinstance(module, nn.RNNBase) for module in net.modules()):
            stack.enter_context(_without_cudnn())
        if _is_weight_normalised(net):
            stack.enter_context(_WeightNormByHand())
        yield


@contextmanager
def _without_cudnn() -> Iterator[None]:
    cudnn: Any = torch.backends.cudnn
    before = cudnn.enabled
    cudnn.enabled = False
    try:
        yield
    finally:
        cudnn.enabled = before


class _WeightNormByHand(TorchFunctionMode):
    """Weight normalisation as w = g v / ‖v‖ (Salimans & Kingma 2016, equation 2), of operations that are right."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call a function of PyTorch's, or what stands for it."""
        if func is torch._weight_norm:
            return _weight_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _weight_norm(v: torch.Tensor, g: torch.Tensor, dim: int = 0) -> torch.Tensor:
    """Return g v / ‖v‖ [...] of v's shape, the norm over all dimensions but `dim`; over all where that is -1."""
    others = [one for one in range(v.ndim) if dim == -1 or one != dim]
    norm: torch.Tensor = torch.linalg.vector_norm(v, dim=others, keepdim=True)
    return g * v / norm


def _is_weight_normalised(net: nn.Module) -> bool:
    """Tell whether a network normalises weights by PyTorch's parametrisation, or by the hook before it."""
    return any(
        type(module).__name__ == "_WeightNorm" or any(name.endswith("_v") for name in module._parameters)
        for module in net.modules()
    )
