"""Library versions, machine and threads of a run: beside the settings, its last bits depend on them."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

_PACKAGES = ("sdd", "torch", "torchvision", "lightning", "numpy", "scikit-learn")


def environment() -> dict[str, str | int]:
    """Return the versions of what computes, the machine, and the threads of one operation."""
    found: dict[str, str | int] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    found["machine"] = platform.machine()
    found["cpu"] = torch.backends.cpu.get_cpu_capability()
    found["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    found["threads"] = torch.get_num_threads()
    return found
