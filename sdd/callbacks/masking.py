"""Removed weights: put where they belong, held there at every step of a level, and counted at its end."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

# These treat each weight by itself and from a fresh state, so that a weight of zero without gradient, decayed or not,
# stays exactly zero; after any other optimizer, and for weights frozen elsewhere, masks are applied at every step.
_KEEP_ZERO = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop)


class Masking:
    """Holds a level's removed weights: no gradient reaches them, and no step moves them.

    Masks are kept in the weights' own type, the fastest to multiply with.

    Args:
        parameters: Prunable weights by name, each [...].
        masks: True where a weight is trained, by the same names and of the same shapes, bool [...].
        frozen: Values at which removed weights are held, by name, each [...]; None: they are exactly zero.
        optimizers: That move the weights.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        masks: Mapping[str, Tensor],
        frozen: Mapping[str, Tensor] | None,
        optimizers: Sequence[torch.optim.Optimizer],
    ) -> None:
        self._optimizer_holds = frozen is None and all(type(optimizer) in _KEEP_ZERO for optimizer in optimizers)
        self._masked: list[tuple[str, nn.Parameter, Tensor, Tensor | None]] = []
        for name, parameter in parameters.items():
            if not bool(masks[name].all()):
                held = None if frozen is None else frozen[name].to(parameter).masked_fill(masks[name], 0)
                self._masked.append((name, parameter, masks[name].to(parameter.dtype), held))

    def place_weights(self) -> None:
        """Set removed weights to their frozen values, whatever the parameters were loaded from."""
        with torch.no_grad():
            for _, parameter, mask, held in self._masked:
                removed = torch.zeros_like(parameter) if held is None else held
                parameter.copy_(torch.where(mask == 0, removed, parameter))

    def mask_gradients(self) -> None:
        """Set the gradient of removed weights to zero."""
        for _, parameter, mask, _ in self._masked:
            if parameter.grad is not None:
                parameter.grad.mul_(mask)

    def hold_weights(self) -> None:
        """Set removed weights back to their frozen values, from which an optimizer may have moved them."""
        if self._optimizer_holds:
            return
        with torch.no_grad():
            for _, parameter, mask, held in self._masked:
                parameter.mul_(mask)
                if held is not None:
                    parameter.add_(held)

    def moved(self) -> dict[str, int]:
        """Return how many removed weights are not at their frozen values, by name; only tensors that have any."""
        counts = {
            name: int(((parameter.detach() != (0 if held is None else held)) & (mask == 0)).sum())
            for name, parameter, mask, held in self._masked
        }
        return {name: count for name, count in counts.items() if count}
