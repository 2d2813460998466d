"""Learning-rate schedules that PyTorch does not have."""

from bisect import bisect_right
from collections.abc import Sequence

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class WarmupMultiStepLR(LRScheduler):
    """Raises the rate from zero in a straight line, holds it, and multiplies it by `gamma` at each milestone.

    The rate at step (or epoch, by `model.lr_interval`) t is base rate · min(1, t / warmup) · gamma^(milestones ≤ t):
    the schedule of He et al. 2022 for Tiny ImageNet, in whose code it begins at zero.

    Args:
        optimizer: Whose rate it sets.
        milestones: Steps (or epochs) at which the rate falls.
        gamma: Factor at each milestone.
        warmup: Steps (or epochs) until the whole rate is reached, at least 1.

    Raises:
        ValueError: `warmup` is below 1.
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, warmup: int = 1) -> None:
        if warmup < 1:
            raise ValueError(f"warmup is {warmup}; it must be at least 1")
        self.milestones, self.gamma, self.warmup = sorted(milestones), gamma, warmup
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rates of the parameter groups at the step `last_epoch`."""
        falls = bisect_right(self.milestones, self.last_epoch)
        factor = min(1.0, self.last_epoch / self.warmup) * self.gamma**falls
        return [float(rate) * factor for rate in self.base_lrs]
