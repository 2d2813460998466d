"""How important each weight is; the least important are removed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Criterion = Literal["magnitude", "gradient", "random", "largest"]


def magnitude_scores(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Score by |w| (Han et al. 2015)."""
    return {name: parameter.detach().abs() for name, parameter in parameters.items()}


def largest_scores(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Score by −|w|, so that the largest weights go first: the reverse of magnitude pruning."""
    return {name: -parameter.detach().abs() for name, parameter in parameters.items()}


def gradient_scores(
    net: nn.Module, parameters: Mapping[str, nn.Parameter], batches: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """Score by |w · ∂L/∂w|, L being the mean cross-entropy over all examples of the batches.

    The network runs in training mode, as in the paper's code (He et al. 2022); its mode, gradients and buffers
    are as before afterwards.

    Args:
        net: The network.
        parameters: The weights to score, by name.
        batches: Inputs [B, ...] and noisy labels [B], on the network's device.
    """
    weights = list(parameters.values())
    buffers = {name: buffer.clone() for name, buffer in net.named_buffers()}
    modes = {module: module.training for module in net.modules()}
    totals = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights]
    try:
        net.train()
        with torch.enable_grad():
            for inputs, labels in batches:
                loss = functional.cross_entropy(net(inputs), labels, reduction="sum")
                gradients = torch.autograd.grad(loss, weights, allow_unused=True)
                for total, gradient in zip(totals, gradients, strict=True):
                    if gradient is not None:
                        total += gradient
    finally:
        for module, mode in modes.items():
            module.training = mode
        for name, buffer in net.named_buffers():
            buffer.copy_(buffers[name])
    # The mean differs from the sum by one positive factor, which no ranking sees.
    return {
        name: (parameter.detach() * total).abs()
        for (name, parameter), total in zip(parameters.items(), totals, strict=True)
    }


def random_scores(parameters: Mapping[str, nn.Parameter], generator: torch.Generator) -> dict[str, Tensor]:
    """Score at random, from a CPU generator, so that the same weights go on every device."""
    return {
        name: torch.rand(parameter.shape, dtype=torch.float64, generator=generator).to(parameter.device)
        for name, parameter in parameters.items()
    }


def importance(
    criterion: Criterion,
    net: nn.Module,
    parameters: Mapping[str, nn.Parameter],
    batches: Callable[[], Iterable[tuple[Tensor, Tensor]]],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Score weights by a criterion; the smallest scores are removed first.

    Args:
        criterion: Which one.
        net: The network.
        parameters: The weights to score, by name.
        batches: Gives training batches with their noisy labels; asked by `gradient` only.
        generator: CPU generator; used by `random` only.
    """
    if criterion == "magnitude":
        return magnitude_scores(parameters)
    if criterion == "largest":
        return largest_scores(parameters)
    if criterion == "random":
        return random_scores(parameters, generator)
    return gradient_scores(net, parameters, batches())
