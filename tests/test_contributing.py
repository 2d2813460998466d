"""CONTRIBUTING.md is true: each part that it adds is added, from outside and built in, and its commands exist."""

import re
import sys
from importlib import import_module
from itertools import groupby
from pathlib import Path

import pytest

from sdd.__main__ import main
from sdd.parts import Kind
from tests.documents import CONTRIBUTING, blocks, commands, spans
from tests.small import PROJECT, curve_without_seconds

SMALL = ["--data.train_size", "200", "--data.batch_size", "50", "--pruning.levels", "2"]
SMALL += ["--pruning.epochs_per_level", "1", "--progress.show", "none"]
SECTIONS = {
    section: list(found) for section, found in groupby(blocks(CONTRIBUTING, "python", "sh"), lambda one: one.section)
}
PARTS = {section: found for section, found in SECTIONS.items() if any(block.title for block in found)}


def _run(script, place):
    """Run a section's command in small; returns the curve that it leaves."""
    (command,) = commands(script)
    assert command[:4] == ["python", "-m", "sdd", "fit"]
    assert main([*command[3:], *SMALL, "--run_dir", str(place)]) == 0
    return curve_without_seconds(place)


@pytest.fixture(scope="module")
def usual_curve(tmp_path_factory):
    config = str(PROJECT / "configs" / "digits_mlp.yaml")
    return _run(f"python -m sdd fit --config {config}", tmp_path_factory.mktemp("usual") / "run")


@pytest.fixture
def forgotten():
    """Modules that a test imports from files of its own are forgotten again, and those of other tests before."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        del sys.modules[name]
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if name.startswith("my_package") or (name.startswith("sdd.") and not Path(str(file)).is_relative_to(PROJECT)):
            package, _, module = name.rpartition(".")
            if package in before:
                delattr(sys.modules[package], module)
            del sys.modules[name]


class Reader:
    """Somebody who follows a section in an empty folder.

    Args:
        section: Its heading.
        place: The folder, which is the working directory.
        patch: Undoes what is changed of `sdd`.
    """

    def __init__(self, section, place, patch):
        self.part, self.from_outside, self.built_in, self.test = PARTS[section]
        self.name, self.place, self.patch = Path(self.part.title).name, place, patch
        (place / "configs").symlink_to(PROJECT / "configs")

    def add_from_outside(self):
        """Write the file, and run the first command; returns the curve."""
        file = self.place / self.part.title
        file.parent.mkdir()
        file.write_text(self.part.text)
        return _run(self.from_outside.text, self.place / "outside")

    def move_in(self):
        """Put the file where its test's place says, seen by Python as a part of that folder of `sdd`."""
        folder = Path("sdd", *Path(self.test.title).parent.parts[1:])
        assert Path(self.test.title).name == f"test_{self.name}"
        assert f"it is `{folder / self.name}`" in CONTRIBUTING.read_text()
        added = self.place / "added"
        added.mkdir()
        (added / self.name).write_text(self.part.text)
        package = import_module(".".join(folder.parts))
        self.patch.setattr(package, "__path__", [*package.__path__, str(added)])


@pytest.fixture
def reader(request, tmp_path, monkeypatch, forgotten):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return Reader(request.param, tmp_path, monkeypatch)


each_part = pytest.mark.parametrize("reader", PARTS, indirect=True)


@each_part
def test_a_part_from_outside_decides_the_curve(reader, usual_curve):
    assert reader.add_from_outside() != usual_curve


@each_part
def test_the_test_of_a_built_in_part_passes(reader):
    reader.move_in()
    names = {}
    exec(compile(reader.test.text, f"CONTRIBUTING.md:{reader.test.line}", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


@pytest.mark.slow
@each_part
def test_a_built_in_part_gives_the_curve_that_it_gave_from_outside(reader):
    from_outside = reader.add_from_outside()
    reader.move_in()
    assert _run(reader.built_in.text, reader.place / "built_in") == from_outside


@pytest.mark.parametrize("reader", ["A measure"], indirect=True)
def test_the_label_of_the_measure_is_kept_with_the_run(reader):
    reader.add_from_outside()
    assert '"weight norm"' in (reader.place / "outside" / "columns.json").read_text()


def test_every_kind_of_part_has_its_section():
    records = {"Module", "LevelCallback"}
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()) if module.__name__.startswith("sdd.") else []:
            if isinstance(value, Kind):
                records.add(value.record.__name__)
    text = CONTRIBUTING.read_text()
    assert len(records) > 8
    assert sorted(record for record in records if not re.search(rf"\b{record}\b", text)) == []


def test_every_make_target_and_file_exists():
    scripts = [block.text for found in SECTIONS.values() for block in found if block.language == "sh"]
    asked = {command[1] for script in scripts for command in commands(script) if command[0] == "make"}
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert asked
    assert asked <= targets
    modules = {command[2] for script in scripts for command in commands(script) if command[1:2] == ["-m"]}
    modules |= {span.split()[2] for span in spans(CONTRIBUTING) if span.startswith("python -m ")}
    for module in modules - {"sdd"}:
        place = PROJECT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module
    added = {block.title.replace("my_package", "") for found in PARTS.values() for block in found}
    added = {Path(title).name for title in added}
    ours = r"(sdd|tests|configs|sweeps|docs|results)/[\w./]*"
    named = [span for span in spans(CONTRIBUTING) if re.fullmatch(ours, span)]
    assert [name for name in named if Path(name).name not in added and not (PROJECT / name).exists()] == []
