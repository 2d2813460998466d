"""Objects that do something else have other digits, and the same source gives the same digits in every process."""

import functools
import subprocess
import sys
import threading
from enum import Enum, Flag
from random import randint

import pytest
import torch
from numpy.random import beta
from torch import nn

from sdd.object_digest import UntoldError, object_digest

# What is defined here is compiled twice with other values, as the cell of a notebook is.
SOURCE = '''
import abc, dataclasses, functools
import numpy as np
import torch
from torch import nn

SIZE, UNUSED, TABLE = {value}, {unused}, dict(width={value})

class Net(nn.Module):
    """Says {unused}."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, {value})
    def forward(self, x):
        return self.fc(x)

class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, SIZE)

def makes():
    """Says {unused}."""
    return Reads()

def closes(width):
    return lambda: nn.Linear(64, width)

def inner():
    def deeper():
        return TABLE["width"]
    return deeper()

def keyword(*, width={value}):
    return width

def default(width={value}):
    return width

def chooses(name):
    return name in {{"a", "b", "{value}"}}

def catches():
    try:
        return int("a")
    except ValueError:
        return {value}

@functools.lru_cache(maxsize=3)
def cached():
    return {value}

def counts():
    return {value}
counts.calls = 0

def decorates(function):
    @functools.wraps(function)
    def wrapped(*arguments):
        return function(*arguments)
    return wrapped

@decorates
def decorated():
    return {value}

class Calls:
    limit = {value}
    def __call__(self):
        return self.limit

class Holds:
    def __init__(self, held):
        self.held = held
    def tell(self):
        return self.held

class Slots:
    __slots__ = ("held",)
    def __init__(self):
        self.held = {value}

@dataclasses.dataclass
class Data:
    held: int = {value}

class Abstract(abc.ABC):
    @property
    def width(self):
        return {value}
    @staticmethod
    def stays():
        return 1

class Kind(type):
    def __call__(cls):
        return {value}

class Made(metaclass=Kind):
    pass

class Mine(torch.optim.SGD):
    def step(self, closure=None):
        return {value}

def again():
    return again() if SIZE else None

class Itself:
    def __init__(self):
        self.own, self.held = self, {value}

FOUND = dict(
    network=Net, reads=Reads, makes=makes, closes=closes({value}), inner=inner, keyword=keyword, default=default,
    chooses=chooses, catches=catches, cached=cached, counts=counts, decorated=decorated, calls=Calls(), slots=Slots(),
    holds=Holds({{"a": [{value}, 2.0]}}), method=Holds({value}).tell, data=Data(), abstract=Abstract, made=Made,
    optimizer=Mine, again=again, itself=Itself(), part=functools.partial(nn.Linear, 64, {value}),
    named=functools.partial(Holds, held={value}), nested=lambda: (lambda: {value}),
    tensor=Holds(torch.tensor([1.0, {value}])), array=Holds(np.array([1.0, {value}])),
    weights=Holds(nn.Linear(2, 2, bias=False).requires_grad_({value} > 8)),
    generator=Holds(torch.Generator().manual_seed({value})), random=Holds(np.random.default_rng({value})),
    sets=Holds({{"x", "y", "{value}"}}), plain={value}, text="{value}", folded=Holds(({value}, None, ...)),
)
FOUND["weights"].held.weight.data.fill_(1.0)
'''


def found(value, unused=0):
    """Define everything with a value, in a `__main__` of its own."""
    names = {"__name__": "__main__"}
    exec(compile(SOURCE.format(value=value, unused=unused), f"<cell {unused}>", "exec"), names)
    return names["FOUND"]


def digests(value, unused=0):
    return {name: object_digest(one) for name, one in found(value, unused).items()}


def test_each_is_told_from_one_of_another_value_and_not_from_one_of_the_same():
    eight, nine, again = digests(8), digests(9), digests(8, unused=1)
    assert eight == again
    assert [name for name in eight if eight[name] == nine[name]] == []
    assert len(set(eight.values())) == len(eight)


def test_digits_are_the_same_in_another_process_with_another_order_of_sets(tmp_path):
    own = digests(8)
    called = found(8)
    for _ in range(100):  # by then Python has replaced instructions by faster ones
        called["chooses"]("a"), called["catches"](), called["calls"]()
    assert {name: object_digest(called[name]) for name in ("chooses", "catches", "calls")}.items() <= own.items()
    called["optimizer"](nn.Linear(1, 1).parameters(), lr=1.0)  # PyTorch changes the class
    assert object_digest(called["optimizer"]) == own["optimizer"]
    script = f"from tests.test_object_digest import digests\nprint(sorted(digests(8).items()) == {sorted(own.items())})"
    child = [sys.executable, "-c", script]
    done = subprocess.run(
        child, capture_output=True, text=True, env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_hooks_are_told_whatever_number_pytorch_gives_them():
    def hooked(amount):
        net = nn.Linear(1, 1)
        net.weight.data.fill_(1), net.bias.data.fill_(1)
        handle = net.register_forward_hook(lambda *_: amount)
        return net, handle

    assert object_digest(hooked(1)) == object_digest(hooked(1)) != object_digest(hooked(2))


class Colour(Enum):
    RED = 1
    BLUE = 2


def flag():
    class Parts(Flag):
        A = 1
        B = 2
        C = 4

    return Parts


def dispatched():
    @functools.singledispatch
    def called(one):
        return 1

    called.register(int, lambda one: 2)
    return called


def differentiated():
    class Doubles(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    return lambda x: Doubles.apply(x)


def kept():
    class Keeps:
        @functools.cached_property
        def width(self):
            return 4

    return Keeps


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (flag, lambda parts: parts.A | parts.B),
        (lambda: flag()(3), lambda one: one),
        (dispatched, lambda called: (called(1), called("a"))),
        (differentiated, lambda doubles: doubles(torch.ones(1, requires_grad=True)).backward()),
        (kept, lambda keeps: keeps().width),
        (lambda: lambda: randint(0, 9), lambda draw: draw()),
        (lambda: lambda: beta(1, 2), lambda draw: draw()),  # noqa: NPY002 - NumPy's own generator is what is tried
        (lambda: torch.default_generator, lambda generator: torch.rand(1, generator=generator)),
        (lambda: torch.ones(2, dtype=torch.complex64).conj(), lambda one: one),
    ],
)
def test_what_was_made_or_drawn_before_makes_no_other_object(make, use):
    with torch.random.fork_rng():
        one = make()
        before = object_digest(one)
        use(one)
        assert object_digest(one) == before == object_digest(make())


def test_combined_members_and_dispatched_functions_are_told_apart():
    parts, more = flag(), dispatched()
    more.register(str, lambda one: 3)
    assert len({object_digest(one) for one in (parts(0), parts.A, parts.A | parts.B, parts.A | parts.C)}) == 4
    assert object_digest(more) != object_digest(dispatched())


def test_what_a_module_has_is_known_by_its_name():
    assert object_digest(nn.ReLU) != object_digest(nn.Tanh)
    assert object_digest(torch.relu) != object_digest(torch.tanh)
    assert object_digest([].append) != object_digest([1].append)
    assert object_digest(Colour.RED) != object_digest(Colour.BLUE)
    assert object_digest(functools.partial(max, 1)) != object_digest(functools.partial(min, 1))
    assert object_digest(nn.functional.max_pool2d) != object_digest(nn.functional.max_pool1d)
    assert object_digest(1) != object_digest(True)
    assert object_digest(torch.float32) != object_digest(torch.float64)


@pytest.mark.parametrize(
    "value", [threading.Lock(), sys.stdout, (one for one in ())], ids=["lock", "file", "generator"]
)
def test_what_cannot_be_told_is_named_with_how_it_was_reached(value):
    def uses():
        return value

    with pytest.raises(UntoldError, match=rf"an object of {type(value).__name__}, .* reached by the variable value"):
        object_digest(uses)


def test_a_list_that_holds_itself_has_digits():
    held: list = [1]
    held.append(held)
    other: list = [2]
    other.append(other)
    assert object_digest(held) != object_digest(other)
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UntoldError, match="nested too deeply"):
        object_digest(deep)
