import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sdd.errors import UserError
from sdd.parts import Kind, check_choice


@dataclass(frozen=True)
class Sum:
    add: Callable[..., int]
    shown: Callable[..., str] = str
    sign: bool = True


@pytest.fixture
def kind(tmp_path, monkeypatch):
    """A kind of part with two built-ins, and a module beside them."""
    folder = tmp_path / "built_in_sums"
    folder.mkdir()
    head = f"from {__name__} import Sum\n"
    (folder / "__init__.py").write_text("")
    (folder / "plain.py").write_text(head + "def add(a, b, *, more=0):\n    return a + b + more\nPART = Sum(add)\n")
    (folder / "lambda_.py").write_text(head + "PART = Sum(lambda a, b: a * b, sign=False)\n")
    (folder / "_private.py").write_text("PART = 1\n")
    (tmp_path / "outside.py").write_text(
        head
        + """
import math
def add(a, b, *, times, offset=1): return (a + b) * times + offset
def shown(value, *, digits=0): return f"{value:.{digits}f}"
RECORD = Sum(add, shown)
def no_numbers(): return 0
def three(a, b, c): return 0
def anything(a, b, **own): return len(own)
class Adder:
    def __init__(self, start, *, step=1): self.start, self.step = start, step
    def __call__(self, a, b): return self.start + self.step * (a + b)
class Picky:
    def __init__(self, limit=1):
        if limit < 0: raise ValueError("limit is below 0")
class Deep:
    inner = staticmethod(lambda a, b: a - b)
NUMBER = 3
"""
    )
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "needs.py").write_text("import not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.startswith("built_in_sums") or name == "outside"]:
        monkeypatch.delitem(sys.modules, module)
    return Kind("toy.sum", "built_in_sums", Sum, given=("a", "b"))


def test_built_in_parts_have_the_names_of_their_modules(kind):
    assert kind.names == ("lambda", "plain")
    assert kind.get("plain").add(2, 3) == 5
    assert kind.get("lambda").add(2, 3) == 6
    assert not kind.get("lambda").sign
    assert kind.get("plain", {"more": 4}).add(2, 3) == 9
    assert kind.get("plain").add(2, 3) == 5, "arguments must not stay with the built-in"


@pytest.mark.parametrize(
    ("chosen", "arguments", "value"),
    [
        ("outside.add", {"times": 2}, 11),
        ("outside.add", {"times": 2, "offset": 0}, 10),
        ("outside.anything", {"x": 1, "y": 2}, 2),
        ("outside.anything", None, 0),
        ("outside.RECORD", {"times": 3}, 16),
        ("outside.Adder", {"start": 1}, 6),
        ("outside.Adder", {"start": 1, "step": 2}, 11),
        ("outside.Deep.inner", None, -1),
        ("math.gcd", None, 1),
    ],
)
def test_an_import_path_names_a_function_a_record_or_a_class(kind, chosen, arguments, value):
    assert kind.get(chosen, arguments).add(2, 3) == value


def test_each_function_of_a_record_gets_its_own_arguments(kind):
    record = kind.get("outside.RECORD", {"times": 1, "digits": 2})
    assert (record.add(1, 1), record.shown(3)) == (3, "3.00")
    assert kind.takes("outside.RECORD") == ("times", "offset", "digits")
    assert kind.takes("outside.Adder") == ("start", "step")
    assert kind.takes("outside.add") == ("times", "offset")


@pytest.mark.parametrize(
    ("chosen", "arguments", "word"),
    [
        ("plane", None, r"toy\.sum is 'plane'; allowed: lambda, plain, or an import path.*; did you mean plain\?"),
        ("", None, "'' *; allowed: lambda, plain"),
        (print, None, "it must be a name"),
        (None, None, "is a NoneType; it must be a name"),
        ("plain", {"les": 1}, r"toy\.sum_args has les, which plain does not take; allowed: more"),
        ("lambda", {"les": 1}, "it takes none"),
        ("outside.add", None, r"needs toy\.sum_args\.times"),
        ("outside.add", {"times": 1, "a": 1}, "has a, which outside.add does not take; allowed: times, offset"),
        ("outside.RECORD", {"time": 1}, "allowed: times, offset, digits"),
        ("outside.Adder", None, r"needs toy\.sum_args\.start"),
        ("outside.Adder", {"begin": 1}, "begin, which outside.Adder does not take; allowed: start, step"),
        ("outside.Picky", {"limit": -1}, "do not fit outside.Picky: limit is below 0"),
        ("outside.Picky", None, "outside.Picky is a Picky; it must be a Sum or a function"),
        ("outside.NUMBER", None, "is a int; it must be a Sum or a function that takes what Sum.add takes"),
        ("outside.no_numbers", None, r"cannot be called with \(a, b\): too many positional"),
        ("outside.three", None, r"cannot be called with \(a, b\): missing a required argument: 'c'"),
        ("outside.sub", None, "outside has no sub"),
        ("outside.Deep.outer", None, r"outside has no Deep\.outer"),
        ("nowhere.sub", None, "no module 'nowhere'.*built in are: lambda, plain"),
        ("broken.sub", None, "broken.sub cannot be imported: ZeroDivisionError"),
        ("needs.sub", None, "needs.sub cannot be imported: No module named 'not_installed'"),
        ("a..b", None, "'a..b', which is no import path"),
        (".b", None, "'.b', which is no import path"),
        ("outside.", None, "'outside.', which is no import path"),
        ("built_in_sums.plain", None, "built_in_sums.plain, which is a module: name what is in it"),
    ],
)
def test_what_is_no_part_is_refused_in_one_line(kind, chosen, arguments, word):
    with pytest.raises(UserError, match=word) as caught:
        kind.get(chosen, arguments)
    assert "\n" not in str(caught.value)


def test_arguments_of_other_types_than_annotated_are_refused(tmp_path, kind):
    (tmp_path / "typed.py").write_text(
        "from __future__ import annotations\n"
        "def add(a, b, *, times: int = 1, mode: str | None = None): return a + b\n"
        "def loose(a, b, *, times=1, other: Unknown = 2): return a + b\n"
        "class Adder:\n"
        "    def __init__(self, step: float): pass\n"
        "    def __call__(self, a, b): return a + b\n"
    )
    kind.get("typed.add", {"times": 2, "mode": None})
    kind.get("typed.Adder", {"step": 1})
    kind.get("typed.loose", {"times": "twice", "other": []})
    for chosen, arguments, words in (
        ("typed.add", {"times": "2"}, r"toy\.sum_args\.times is '2'; typed\.add takes int there"),
        ("typed.add", {"times": 2.5}, "times is 2.5"),
        ("typed.add", {"mode": 3}, r"mode is 3; typed\.add takes str \| None there"),
        ("typed.Adder", {"step": [1]}, r"step is \[1\]; typed\.Adder takes float there"),
    ):
        with pytest.raises(UserError, match=words):
            kind.get(chosen, arguments)


def test_a_choice_of_a_few_is_refused_with_the_allowed_ones():
    check_choice("flatness.space", "full", ("surviving", "full"))
    with pytest.raises(UserError, match="'survivng'; allowed: surviving, full; did you mean surviving"):
        check_choice("flatness.space", "survivng", ("surviving", "full"))


def test_what_a_users_code_raises_before_any_training_is_one_line(kind, tmp_path):
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "unmade.py").write_text(
        "class Adder:\n    def __init__(self):\n        raise RuntimeError('no\\ngood')\n"
    )
    with pytest.raises(UserError, match=r"leaves\.add cannot be imported: SystemExit: 3"):
        kind.get("leaves.add")
    with pytest.raises(UserError, match=r"unmade\.Adder cannot be made: RuntimeError: no good"):
        kind.get("unmade.Adder")
