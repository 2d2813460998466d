"""The stand-in's rules, which are those that W&B documents of its server."""

import pytest
import yaml

from tests.wandb_client.backend import HISTORY, Backend

CONFIG = yaml.safe_dump({"program": "sdd", "parameters": {"b": {"values": [1, 2]}, "a": {"values": [0.0]}}})
STARTED = {"host": "here", "config": '{"a": {"value": 0}, "b": {"value": 1}, "data": {"value": {"root": "x"}}}'}


@pytest.fixture
def backend():
    made = Backend()
    made.create_sweep("p", CONFIG)
    made.create_agent("sweep0")
    made.create_agent("sweep0")
    return made


def start(backend, agent="agent0"):
    (command,) = backend.heartbeat(agent, {})
    backend.upsert_run(STARTED | {"name": command["run_id"]})
    return backend.runs[command["run_id"]]


def test_each_cell_is_handed_out_once_and_a_busy_agent_gets_nothing(backend):
    (first,), (second,) = backend.heartbeat("agent0", {}), backend.heartbeat("agent1", {})
    assert backend.heartbeat("agent0", {first["run_id"]: True}) == []
    assert [first["type"], second["type"]] == ["run", "run"]
    assert first["args"] == {"a": {"value": 0.0}, "b": {"value": 1}}
    assert second["args"] == {"a": {"value": 0.0}, "b": {"value": 2}}
    assert backend.heartbeat("agent0", {}) == backend.heartbeat("agent1", {}) == [{"type": "exit"}]


@pytest.mark.parametrize(
    ("marked", "exitcode", "state"),
    [
        (True, 143, "preempted"),
        (True, None, "preempted"),
        (True, 0, "finished"),
        (False, 0, "finished"),
        (False, 2, "failed"),
        (False, None, "crashed"),
    ],
)
def test_only_a_run_that_announced_its_pre_emption_is_queued_again(backend, marked, exitcode, state):
    run = start(backend)
    if marked:
        backend.stream(run.name, {"preempting": True})
    if exitcode is None:
        backend.lose(run.name)
    else:
        backend.stream(run.name, {"complete": True, "exitcode": exitcode})
    assert run.state == state
    (command,) = backend.heartbeat("agent1", {})
    again = command["type"] == "resume"
    assert again == (state == "preempted")
    if again:
        assert command["run_id"] == run.name
        assert command["args"] == {"a": {"value": 0}, "b": {"value": 1}, "data": {"value": {"root": "x"}}}


def test_a_deleted_runs_cell_gets_a_new_run(backend):
    run = start(backend)
    backend.lose(run.name)
    backend.delete(run.name)
    cells = [start(backend).cell, start(backend).cell]
    assert cells == [{"a": 0.0, "b": 2}, run.cell]
    assert run.name not in backend.runs


def test_lines_that_are_sent_again_replace_themselves(backend):
    run = start(backend)
    for offset, lines in ((0, ['{"x": 0}', '{"x": 1}']), (1, ['{"x": 1}', '{"x": 2}'])):
        backend.stream(run.name, {"files": {HISTORY: {"offset": offset, "content": lines}}})
    assert run.history == [{"x": 0}, {"x": 1}, {"x": 2}]
