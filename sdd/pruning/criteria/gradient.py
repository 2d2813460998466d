"""Gradient pruning: the weights are removed whose removal would change the loss least, to first order."""

import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.models.modes import kept_modes
from sdd.pruning.criteria import Criterion, Scoring


def gradient_scores(scoring: Scoring, *, batches: int = 1) -> dict[str, Tensor]:
    """Score by |w · ∂L/∂w|, L being the mean loss over all examples of some training batches.

    The network runs in training mode, as in the paper's code (He et al. 2022); its mode, gradients and buffers
    are as before afterwards.

    Args:
        scoring: What weights are scored by.
        batches: How many training batches, at least 1.

    Returns:
        Scores by name, float64 [...] of the weight's shape, not negative.

    Raises:
        UserError: That is no whole number from 1.
    """
    if isinstance(batches, bool) or not isinstance(batches, int) or batches < 1:
        raise UserError(f"pruning.criterion_args.batches is {batches!r}; it must be a whole number from 1")
    net, weights, loss = scoring.net, list(scoring.parameters.values()), scoring.loss.for_measuring()
    buffers = {name: buffer.clone() for name, buffer in net.named_buffers()}
    totals = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights]
    trained = [weight.requires_grad for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_()  # those that are not trained are pruned too
        with kept_modes(net, training=True), torch.enable_grad():
            for inputs, labels in scoring.batches(batches):
                gradients = torch.autograd.grad(loss.sum(net(inputs), labels), weights, allow_unused=True)
                for total, gradient in zip(totals, gradients, strict=True):
                    if gradient is not None:
                        total += gradient
    finally:
        for weight, was_trained in zip(weights, trained, strict=True):
            weight.requires_grad_(was_trained)
        for name, buffer in net.named_buffers():
            buffer.copy_(buffers[name])
    # The mean differs from the sum by one positive factor, which no ranking sees.
    return {
        name: (parameter.detach() * total).abs()
        for (name, parameter), total in zip(scoring.parameters.items(), totals, strict=True)
    }


PART = Criterion(gradient_scores)
