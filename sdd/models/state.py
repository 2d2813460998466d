"""The state of a network: each parameter and buffer once, whatever number of names it has."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

State = dict[str, Tensor]
"""Parameters and buffers of a network, each [...] under its first name in `nn.Module.state_dict`."""


def first_names(net: nn.Module) -> dict[str, str]:
    """Return the first name of each tensor of a network's state dict by every name; tied weights have several."""
    first: dict[int, str] = {}
    return {name: first.setdefault(id(tensor), name) for name, tensor in net.state_dict(keep_vars=True).items()}


def places(net: nn.Module) -> dict[str, str]:
    """Return the first name of each parameter and buffer by one name for each module that holds it.

    A module that the network has under several names counts once.
    """
    first: dict[int, str] = {}
    found = {}
    for prefix, module in net.named_modules():
        for own in (module._parameters, module._buffers):
            for name, tensor in own.items():
                if tensor is not None:
                    place = f"{prefix}.{name}" if prefix else name
                    found[place] = first.setdefault(id(tensor), place)
    return found


def state_of(net: nn.Module) -> State:
    """Copy a network's parameters and buffers to the CPU, each [...] under its first name."""
    return {name: value.detach().cpu().clone() for name, value in once_each(net, net.state_dict()).items()}


def once_each(net: nn.Module, state: Mapping[str, Tensor]) -> State:
    """Return the entries of a state dict of this network, each [...], without those of further names of a tensor."""
    first = first_names(net)
    return {name: value for name, value in state.items() if first.get(name, name) == name}


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """Return 32 hex digits that are others for other tensors, each [...] by name; their order does not matter."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {list(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def load_state(net: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Set a network's parameters and buffers.

    Args:
        net: The network.
        state: What they are set to, each [...] under its first name; entries under further names are not looked at.
    """
    once = once_each(net, state)
    further = {name: once[first] for name, first in first_names(net).items() if first in once}
    net.load_state_dict(once | further)


class Copies(Mapping[str, Tensor]):
    """Tensors [...] by name to be read by parts from outside: what is taken out is a copy, which they may write into.

    Args:
        tensors: By name.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors

    def __getitem__(self, name: str) -> Tensor:
        """Return a copy of the tensor [...] of this name."""
        return self._tensors[name].clone()

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a tensor of this name."""
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._tensors)

    def __len__(self) -> int:
        """Return the number of tensors."""
        return len(self._tensors)


@contextmanager
def kept_state(net: nn.Module) -> Iterator[None]:
    """Leave every parameter and buffer as it was before, and its gradient, whatever is done to the network meanwhile.

    Args:
        net: The network.
    """
    held = [(module, dict(module._parameters), dict(module._buffers)) for module in net.modules()]
    tensors = {
        id(tensor): tensor
        for _, parameters, buffers in held
        for tensor in (*parameters.values(), *buffers.values())
        if tensor is not None
    }
    kept = [
        (tensor, tensor.data, tensor.detach().clone(), tensor.requires_grad, _copied(tensor.grad))
        for tensor in tensors.values()
    ]
    try:
        yield
    finally:
        for module, parameters, buffers in held:
            module._parameters.clear()
            module._parameters.update(parameters)
            module._buffers.clear()
            module._buffers.update(buffers)
        with torch.no_grad():
            for tensor, storage, value, requires_grad, gradient in kept:
                tensor.data = storage.copy_(value)
                tensor.requires_grad_(requires_grad)
                tensor.grad = gradient


def _copied(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.clone()
