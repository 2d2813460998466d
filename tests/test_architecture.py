"""`docs/architecture.md` is true: its layers, its libraries, its purposes of random draws, the files that it names."""

import ast
import re
import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.documents import spans
from tests.small import PROJECT

PAGE = PROJECT / "docs" / "architecture.md"
PATHS = sorted((PROJECT / "sdd").rglob("*.py"))


def _module(path):
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(path): path for path in PATHS}


def _room(module):
    """The folder of `sdd/`, or the module where it lies in none."""
    return module.split(".")[1] if "." in module else "__init__"


@cache
def _parsed(path):
    return ast.parse(path.read_text())


@cache
def _imported(module):
    """Names of all modules that a module imports, also inside of functions."""
    found = set()
    for node in ast.walk(_parsed(MODULES[module])):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            inner = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return found


def _ours(module):
    return {name for name in _imported(module) if name in MODULES}


def _table(heading):
    """The rows of the page's table that begins with this heading, as lists of what stands in backticks in each cell."""
    text = PAGE.read_text()
    (start,) = (match.end() for match in re.finditer(rf"^\| {heading} \|.*\n\|[-|]+\n", text, re.MULTILINE))
    rows = text[start:].partition("\n\n")[0].splitlines()
    return [[re.findall(r"`([^`]+)`", cell) for cell in row.strip("|").split("|")] for row in rows]


LAYERS = [names for _, names in _table("layer")]
HEIGHT = {room: -row for row, names in enumerate(LAYERS) for room in names}


def test_every_room_has_its_layer():
    assert sorted(HEIGHT) == sorted({_room(module) for module in MODULES})
    assert len(HEIGHT) == sum(map(len, LAYERS))


@pytest.mark.parametrize("room", HEIGHT)
def test_imports_go_down(room):
    upwards = [
        f"{module} imports {name}"
        for module in MODULES
        if _room(module) == room
        for name in sorted(_ours(module))
        if _room(name) != room and HEIGHT[_room(name)] >= HEIGHT[room]
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter({module: _ours(module) for module in MODULES}).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


@pytest.mark.parametrize(("libraries", "places"), _table("library"), ids=str)
def test_a_library_is_imported_only_where_it_belongs(libraries, places):
    users = defaultdict(set)
    for module in MODULES:
        inside = module.removeprefix("sdd.").replace(".", "/")
        for name in _imported(module):
            place = next((place for place in places if inside == place or inside.startswith(f"{place}/")), None)
            users[name.partition(".")[0]].add(place or f"{module}, where it does not belong")
    assert set().union(*(users[library] for library in libraries)) <= set(places)
    assert all(users[library] for library in libraries)


def test_the_page_names_every_purpose_of_random_draws():
    named = {name for row in _table("purpose") for name in row[0]}
    used = set()
    for path in PATHS:
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in DRAWS:
                literals = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                used |= {text.strip() for text in literals if isinstance(text, str)}
    assert used == named


DRAWS = {"derive_seed", "seed_draws", "torch_generator", "Stream", "_generator"}


def test_every_file_that_the_page_names_exists():
    named = {span for span in spans(PAGE) if re.fullmatch(r"[a-z_/]+(?:/|\.py)", span)}
    places = (PROJECT, PROJECT / "sdd")
    run_folder = {"checkpoints/", "levels/"}
    assert len(named) > 10
    assert sorted(name for name in named - run_folder if not any((place / name).exists() for place in places)) == []


def test_the_standard_library_is_no_room():
    assert not HEIGHT.keys() & (sys.stdlib_module_names - {"__main__"}), "a module of ours would hide one of Python's"


def test_a_circle_and_an_arrow_up_would_be_found(tmp_path, monkeypatch):
    low, high = tmp_path / "errors.py", tmp_path / "cli.py"
    low.write_text("def late():\n    from sdd.cli import high\n")
    high.write_text("from sdd.errors import late\n")
    monkeypatch.setattr(f"{__name__}.MODULES", {"sdd.errors": Path(low), "sdd.cli": Path(high)})
    _imported.cache_clear()
    try:
        with pytest.raises(AssertionError):
            test_imports_go_down("errors")
        with pytest.raises(pytest.fail.Exception, match=r"sdd\.errors"):
            test_no_modules_import_each_other_in_a_circle()
    finally:
        _imported.cache_clear()
