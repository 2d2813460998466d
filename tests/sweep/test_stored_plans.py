"""Plans that are kept: used again while nothing has changed that they were made from, and made by one process alone."""

import json
import os
import threading

import pytest

from sdd.errors import UserError
from sdd.locks import try_lock
from sdd.places import place_of
from sdd.runs.plan import Plan
from sdd.runs.settings import Settings
from sdd.sweep.stop_signals import Stopped
from sdd.sweep.stored_plans import StoredPlans, opened_files

ARGUMENTS = ["fit", "--config=x.yaml"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text("seed: 3")
    return tmp_path


class Reader:
    """Plans by reading the configuration; counts how often."""

    def __init__(self):
        self.calls = 0

    def __call__(self, arguments):
        self.calls += 1
        seed = int(open("x.yaml").read().split()[1])  # noqa: SIM115 - as a library may
        if seed < 0:
            raise UserError("negative")
        return Plan("x", seed, Settings({"a": 1.5}, {"a": 1.5, "b": None, "c": [1, {"d": "e"}]}, {"m": True}), 4)


def plan(folder, reader, arguments=ARGUMENTS):
    with StoredPlans(folder / "runs", plan=reader) as plans:
        return plans.of(arguments)


def test_a_plan_is_made_once_and_read_back_the_same(here):
    reader = Reader()
    first = plan(here, reader)
    assert plan(here, reader) == first == Reader()(ARGUMENTS)
    assert reader.calls == 1
    assert plan(here, reader, [*ARGUMENTS, "--x=1"]) == first
    assert reader.calls == 2
    plan(here, reader)
    plan(here, reader, [*ARGUMENTS, "--x=1"])
    assert reader.calls == 2


def test_another_value_of_a_variable_in_a_path_makes_another_plan(here, monkeypatch):
    reader = Reader()

    def planner(arguments):
        place_of("$SOMEWHERE/data", "data.root")
        return reader(arguments)

    for value, calls in (("a", 1), ("a", 1), ("b", 2), ("b", 2)):
        monkeypatch.setenv("SOMEWHERE", value)
        monkeypatch.setenv("UNNAMED", str(calls))
        plan(here, planner)
        assert reader.calls == calls


def test_what_a_killed_sweep_has_half_written_goes_unless_another_one_is_at_it(here):
    plan(here, Reader())
    part = here / "runs" / "..plans.json-x.part"
    part.touch()
    with try_lock(here / "runs" / ".plans.lock", "another"):
        plan(here, Reader())
    assert part.exists()
    plan(here, Reader())
    assert not part.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "x.yaml").write_text("seed: 4"),
        lambda folder: (folder / "runs" / ".plans.json").write_text("{"),
        lambda folder: (folder / "runs" / ".plans.json").write_text("[" * 100_000),
        lambda folder: edit(folder, lambda content: content.update(made_by="another version")),
        lambda folder: edit(folder, lambda content: content.update(plans=3)),
        lambda folder: edit(folder, lambda content: [held.pop("settings") for held in content["plans"].values()]),
        lambda folder: edit(folder, lambda content: [held.update(files=7) for held in content["plans"].values()]),
        lambda folder: edit(folder, lambda content: content.update(plans=dict.fromkeys(content["plans"], "x"))),
    ],
)
def test_what_has_changed_or_is_damaged_is_planned_anew(here, change):
    reader = Reader()
    plan(here, reader)
    change(here)
    assert plan(here, reader) == Reader()(ARGUMENTS)
    assert reader.calls == 2
    plan(here, reader)
    assert reader.calls == 2


def edit(folder, how):
    file = folder / "runs" / ".plans.json"
    content = json.loads(file.read_text())
    how(content)
    file.write_text(json.dumps(content))


def test_another_working_directory_means_other_files(here, monkeypatch):
    reader = Reader()
    plan(here, reader)
    (here / "below").mkdir()
    (here / "below" / "x.yaml").write_text("seed: 5")
    monkeypatch.chdir(here / "below")
    assert plan(here, reader).seed == 5


def test_what_is_not_allowed_is_not_kept(here):
    reader = Reader()
    (here / "x.yaml").write_text("seed: -1")
    for _ in range(2):
        with pytest.raises(UserError, match="negative"):
            plan(here, reader)
    assert reader.calls == 2
    assert not (here / "runs" / ".plans.json").exists()


def test_who_finds_another_process_planning_waits_for_its_plans(here):
    reader, slow = Reader(), threading.Event()

    def waiting():
        slow.set()

    theirs = StoredPlans(here / "runs", plan=reader).__enter__()
    theirs.of(ARGUMENTS)
    found = []
    ours = threading.Thread(target=lambda: found.append(plan_with(here, waiting)))
    ours.start()
    assert slow.wait(10), "it waits"
    theirs.__exit__(None, None, None)
    ours.join(10)
    assert found == [Reader()(ARGUMENTS)]


def plan_with(folder, check):
    with StoredPlans(folder / "runs", check, plan=None) as plans:  # it has no need to plan
        return plans.of(ARGUMENTS)


def test_waiting_ends_when_it_is_asked_to(here):
    (here / "runs").mkdir()

    def stop():
        raise Stopped

    with try_lock(here / "runs" / ".plans.lock", "another"), pytest.raises(Stopped):
        plan_with(here, stop)


def test_a_folder_is_made_only_where_that_is_asked_for(here):
    reader = Reader()
    with StoredPlans(here / "runs", plan=reader, make_folder=False) as plans:
        plans.of(ARGUMENTS)
    assert not (here / "runs").exists()
    (here / "runs").mkdir()
    with StoredPlans(here / "runs", plan=reader, make_folder=False) as plans:
        plans.of(ARGUMENTS)
    plan(here, reader)
    assert reader.calls == 2


def test_a_folder_that_nothing_can_be_written_into_costs_a_line(here, capsys):
    (here / "runs").write_text("")
    assert plan(here, Reader()).seed == 3
    assert "could not be kept" in capsys.readouterr().err


def test_files_of_ones_own_that_are_opened_are_noted_and_no_others(here):
    with opened_files() as opened:
        (here / "x.yaml").read_text()
        (here / "gone").write_text("")
        (here / "gone").unlink()
        open(os.__file__).close()
    (here / "later").write_text("")
    assert opened == {str(here / "x.yaml")}
