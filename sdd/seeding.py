"""Every random draw of an experiment, derived from what it is for: (seed, purpose, level, epoch, ...).

Two draws with different purposes never share a stream, and no draw depends on how many were made before it, so
a resumed run, another machine or another order of work draws the same numbers.
"""

import hashlib

import numpy as np
import numpy.typing as npt
import torch

_SEED_LIMIT = 2**63


def derive_seed(seed: int, purpose: str, *indices: int) -> int:
    """Hash (seed, purpose, indices) to a seed.

    Args:
        seed: The user's seed, any integer.
        purpose: What is drawn, such as ``"batch order"``.
        *indices: Level, epoch, process rank or whatever else tells draws of one purpose apart.

    Returns:
        An integer in [0, 2**63), the same on every platform.
    """
    text = "/".join([str(seed), purpose, *map(str, indices)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") % _SEED_LIMIT


def torch_generator(seed: int, purpose: str, *indices: int) -> torch.Generator:
    """Return a CPU generator for draws of network-sized quantities (weights, batch order, crops)."""
    generator = torch.Generator(device="cpu")
    generator.manual_seed(derive_seed(seed, purpose, *indices))
    return generator


def seed_draws(device: torch.device, seed: int, purpose: str, *indices: int) -> None:
    """Seed what draws without a generator of its own, such as dropout, on the CPU and on a device.

    It sets what `torch.manual_seed` does for them, which takes longer than an epoch of a small network, as it asks for
    devices of all kinds.

    Args:
        device: The one that computes.
        seed: The user's seed.
        purpose: What is drawn.
        *indices: Level, epoch, or whatever else tells draws of one purpose apart.
    """
    derived = derive_seed(seed, purpose, *indices)
    torch.default_generator.manual_seed(derived)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(derived)


class Stream:
    """Draws that are equal on every platform and in every version of NumPy and PyTorch.

    NumPy promises never to change the raw 64-bit output of a bit generator, but not what its distributions make
    of it; so this class takes the raw output and forms uniform numbers, choices and permutations itself.

    Args:
        seed: The user's seed.
        purpose: What is drawn.
        *indices: Level, epoch, or whatever else tells draws of one purpose apart.
    """

    def __init__(self, seed: int, purpose: str, *indices: int) -> None:
        self._bits = np.random.PCG64(derive_seed(seed, purpose, *indices))

    def uniform(self, size: int) -> npt.NDArray[np.float64]:
        """Return numbers uniform in [0, 1), multiples of 2**-53; of shape [size]."""
        raw: npt.NDArray[np.uint64] = self._bits.random_raw(size)
        return np.asarray((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def integers(self, high: int, size: int) -> npt.NDArray[np.int64]:
        """Return integers uniform in [0, high), [size]; the bias of at most high * 2**-53 is below any test."""
        return np.floor(self.uniform(size) * high).astype(np.int64)

    def permutation(self, size: int) -> npt.NDArray[np.int64]:
        """Return a uniformly random order of 0 ... size - 1, [size]."""
        raw: npt.NDArray[np.uint64] = self._bits.random_raw(size)
        return np.argsort(raw, kind="stable").astype(np.int64)
