"""Training and evaluation mode of a network's modules."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def kept_modes(net: nn.Module, *, training: bool | None = None) -> Iterator[None]:
    """Leave every module in the mode that it had before, whatever happens meanwhile.

    Args:
        net: The network.
        training: Mode of all its modules meanwhile; None: as they are.
    """
    modes = [(module, module.training) for module in net.modules()]
    try:
        if training is not None:
            for module, _ in modes:
                module.training = training
        yield
    finally:
        for module, mode in modes:
            module.training = mode
