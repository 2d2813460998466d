"""Imports, and other work whose objects stay, that take no longer than they must."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


def import_to_stay(name: str) -> ModuleType:
    """Import a module with all that it needs, without looking for garbage meanwhile or ever again among what it made.

    PyTorch and Lightning make some million objects that stay until the end. Looking through them, again and again while
    they become more, is a sixth of the time of their import, and a quarter of a second at each full look later. A
    process that is forked from this one then shares them too, as nothing touches them.

    Args:
        name: Of the module, dotted; nothing is done where it is imported already.
    """
    if name in sys.modules or not gc.isenabled():
        return import_module(name)
    with no_garbage():
        module = import_module(name)
        gc.freeze()
    return module


@contextmanager
def no_garbage() -> Iterator[None]:
    """Do not look for garbage meanwhile: where much is made that stays, that finds nothing and takes its time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
