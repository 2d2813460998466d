"""Training and evaluation mode of a network's modules, and whether their code runs as it is written."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
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


@contextmanager
def as_written() -> Iterator[None]:
    """Run no compiled code and no layers fused into one operator, but every operation that modules are written with."""
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules:  # else nothing is compiled, and to load it takes seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        fast = torch.backends.mha.get_fastpath_enabled()
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        torch.backends.mha.set_fastpath_enabled(False)
        yield
