"""What a configuration names is made, however its author has written the constructor."""

import sys
from collections.abc import Callable, Iterable
from types import ModuleType

import pytest
import torch
from torch import nn

from sdd.configured import builder, made


@pytest.fixture
def own(monkeypatch):
    """A module of somebody who annotates nothing."""
    module = ModuleType("somebodys")
    source = """
import torch
class Net(torch.nn.Linear):
    def __init__(self, pixels, classes, bias=True):
        super().__init__(pixels, classes, bias)
class Slow(torch.optim.SGD):
    def __init__(self, params, rate):
        super().__init__(params, lr=rate)
"""
    exec(source, module.__dict__)
    for value in (module.Net, module.Slow):
        value.__module__ = "somebodys"
    monkeypatch.setitem(sys.modules, "somebodys", module)


@pytest.mark.usefixtures("own")
def test_arguments_without_types_are_taken():
    build = builder({"class_path": "somebodys.Net", "init_args": {"pixels": 4, "classes": 3, "bias": False}})
    assert build().weight.shape == (3, 4)
    assert build().bias is None
    make = made(
        Callable[[Iterable], torch.optim.Optimizer], {"class_path": "somebodys.Slow", "init_args": {"rate": 0.5}}
    )
    assert make(build().parameters()).param_groups[0]["lr"] == 0.5


def test_what_is_of_another_type_is_refused():
    with pytest.raises(Exception, match="not correspond to a subclass of Module"):
        made(nn.Module, {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}})
