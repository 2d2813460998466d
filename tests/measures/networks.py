"""The small networks, data and masks that measures are tried on, and their loss without any of our code."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

Batches = list[tuple[Tensor, Tensor]]
Masks = dict[str, Tensor]


def generator(seed: int = 11) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def conv_net(*between: nn.Module, channels: int = 1) -> nn.Sequential:
    """Convolution, batch norm and four outputs for images of 5 × 5 pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, 3, 3), nn.BatchNorm2d(3), *between, nn.ReLU(), nn.Flatten(), nn.Linear(27, 4)
    )


def uneven_batches(sizes: Sequence[int], channels: int = 1) -> Batches:
    return [(torch.randn(size, channels, 5, 5), torch.randint(0, 4, (size,))) for size in sizes]


def random_masks(net: nn.Module, share: float = 0.5) -> Masks:
    """Masks of all weights but biases and norms, of which about this share survives."""
    return {name: torch.rand(p.shape) < share for name, p in net.named_parameters() if p.ndim > 1}


def whole_masks(net: nn.Module, value: bool) -> Masks:
    """Masks of all parameters, which all survive or all do not."""
    return {name: torch.full_like(p, value, dtype=torch.bool) for name, p in net.named_parameters()}


def small_problem(channels: int = 1) -> tuple[nn.Sequential, Batches, Masks]:
    """A network with running statistics of its own, data in uneven batches, and masks."""
    net = conv_net(channels=channels)
    batches = uneven_batches((9, 4), channels)
    masks = random_masks(net)
    net(torch.randn(30, channels, 5, 5))
    return net.eval(), batches, masks


def survivors(net: nn.Module, masks: Masks | None) -> Tensor:
    """Which coordinates of all parameters in one vector survive."""
    return torch.cat([mask.flatten() for mask in (whole_masks(net, True) | (masks or {})).values()])


def direct_loss(net: nn.Module, batches: Batches) -> Callable[[Tensor], Tensor]:
    """The mean cross-entropy of all examples at once, as a function of all parameters in one vector."""
    inputs, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    names, shapes = zip(*((name, p.shape) for name, p in net.named_parameters()), strict=True)

    def loss(vector: Tensor) -> Tensor:
        parts = vector.split([shape.numel() for shape in shapes])
        point = {name: part.view(s) for name, part, s in zip(names, parts, shapes, strict=True)}
        net.eval()
        return functional.cross_entropy(functional_call(net, point, (inputs,)), labels)

    return loss


def direct_hessian(net: nn.Module, batches: Batches, masks: Masks | None) -> Tensor:
    """The explicit Hessian of that loss on the surviving coordinates."""
    theta = nn.utils.parameters_to_vector(net.parameters()).detach()
    keep = survivors(net, masks)
    return torch.func.hessian(direct_loss(net, batches))(theta)[keep][:, keep]
