"""The command of a cell, against what the real agent starts."""

import queue
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wandb import wandb_agent

from sdd.errors import UserError
from sdd.sweep.agent_command import DEFAULT, agent_command, fit_arguments

scalars = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
cells = st.dictionaries(
    st.text("abc._", min_size=1, max_size=5),
    st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(st.text("xy", max_size=2), scalars, max_size=2)),
    max_size=4,
)
words = st.one_of(
    st.sampled_from(["python", "-m", "fit", "--a b", "$HOME", 34, 0.5, True]),
    st.sampled_from(
        ["${env}", "${interpreter}", "${program}", "${args}", "${args_no_equals}", "${args_no_boolean_flags}"]
    ),
)


def started_by_wandb(command, program, cell):
    """Return the command line that the real agent's own code hands to the operating system."""
    started = []

    class Process:
        def __init__(self, command, env, forward_signals):
            started.append(command)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wandb_agent, "AgentProcess", Process)
        patch.setattr(wandb_agent.config_util, "save_config_file_from_dict", lambda path, config: None)
        for name in ("WANDB_DIR", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH"):
            patch.setenv(name, "x")
        agent = wandb_agent.Agent(None, queue.Queue())
        agent._sweep_command = list(command)
        args = {name: {"value": value} for name, value in cell.items()}
        agent._command_run({"run_id": "r", "program": program, "args": args})
    return started[0]


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=6), cells)
def test_commands_are_rendered_as_the_agent_renders_them(command, cell):
    assert agent_command(command, "sdd", cell) == started_by_wandb(command, "sdd", cell)


def test_the_default_command_is_the_agents():
    assert list(DEFAULT) == wandb_agent.Agent.DEFAULT_SWEEP_COMMAND
    assert agent_command(DEFAULT, "p", {"a": 1}) == started_by_wandb([], "p", {"a": 1})


def test_environment_variables_are_filled_in_as_the_agent_does(monkeypatch):
    monkeypatch.setenv("SIZE", "200")
    command = ["${env}", "--data.train_size=${envvar:SIZE}0", "${args}"]
    assert agent_command(command, "sdd", {"a": 1}) == started_by_wandb(command, "sdd", {"a": 1})
    monkeypatch.delenv("SIZE")
    with pytest.raises(UserError, match="SIZE, which is not set"):
        agent_command(command, "sdd", {"a": 1})


@pytest.mark.parametrize("part", ["${args_json_file}", "${args_no_hyphens}", "${args_dict}", "${what}", "--x=${args}"])
def test_macros_that_are_not_honoured_are_refused(part):
    with pytest.raises(UserError, match=r"or use W&B") as error:
        agent_command(["${env}", part], "sdd", {"a": 1})
    assert part in str(error.value)


@pytest.mark.parametrize("start", [["/usr/bin/env", "python"], ["python"], ["python3"], [sys.executable]])
def test_the_arguments_of_fit_are_found(start):
    assert fit_arguments([*start, "-m", "sdd", "fit", "--a=1"]) == ["fit", "--a=1"]


@pytest.mark.parametrize(
    "rendered",
    [
        [],
        ["/usr/bin/env"],
        ["/usr/bin/env", "python", "sdd", "--a=1"],
        ["python", "-m", "sdd", "test"],
        ["python", "-m", "other", "fit"],
        ["python", "train.py", "--a=1", "--b=2", "--c=3", "--d=4", "--e=5"],
        ["/opt/other/bin/python", "-m", "sdd", "fit"],
        ["/usr/bin/env", "OMP_NUM_THREADS=1", "python", "-m", "sdd", "fit"],
    ],
)
def test_other_programs_are_refused(rendered):
    with pytest.raises(UserError, match="its own fit alone") as error:
        fit_arguments(rendered)
    assert "\n" not in str(error.value)
