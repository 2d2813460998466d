"""Claiming a run's folder: free, finished, busy, or somebody else's."""

import os

import pytest

from sdd.cli.claim import Found, claim, held
from sdd.cli.fit import fit
from sdd.cli.parse import parse
from sdd.errors import UserError
from sdd.runs.folder import BusyRunError, RunFolder
from tests.small import QUICK


@pytest.fixture
def request_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    return lambda *arguments: parse([*QUICK, "--run_dir", "run", *arguments])


def _finish(request):
    """Leave what a finished run of QUICK's four levels leaves."""
    request.folder.write_config(request.text, request.plan.settings)
    request.folder.curve.write_text("level\n0\n1\n2\n3\n")
    request.folder.summary.write_text("{}")


def test_a_new_run_is_free_and_its_folder_is_not_made_yet(request_of, tmp_path):
    request = request_of("--threads", "null")
    claimed = claim(request)
    assert (claimed.found, claimed.checkpoint, claimed.checkpoints) == (Found.FREE, None, ())
    assert claimed.config == request.config
    assert claimed.config is not request.config
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_is_left_alone(request_of):
    request = request_of()
    _finish(request)
    assert claim(request).found is Found.FINISHED


@pytest.mark.parametrize(
    ("arguments", "environment", "waits"),
    [
        ([], {}, False),
        (["--wait", "true"], {}, True),
        ([], {"WANDB_SWEEP_ID": "abc"}, True),
        (["--wait", "false"], {"WANDB_SWEEP_ID": "abc"}, False),
    ],
)
def test_a_folder_that_another_process_holds_is_refused_or_waited_for(
    request_of, monkeypatch, arguments, environment, waits
):
    request = request_of(*arguments)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    request.folder.write_config(request.text, request.plan.settings)
    with RunFolder("run").owned():
        if waits:
            assert claim(request).found is Found.BUSY
        else:
            with pytest.raises(BusyRunError, match="wait for it or stop it"):
                claim(request)
    assert claim(request).found is Found.FREE


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK"])
def test_processes_for_further_devices_leave_the_folder_to_the_first(request_of, monkeypatch, name):
    request = request_of()
    request.folder.write_config(request.text, request.plan.settings)
    monkeypatch.setattr("sdd.console._process", (None, None))
    monkeypatch.setenv(name, "1")
    with RunFolder("run").owned(), held(request) as mine:
        assert mine
    monkeypatch.setenv(name, "0")
    with held(request), pytest.raises(BusyRunError), RunFolder("run").owned():
        pass


@pytest.mark.parametrize("meanwhile", ["finished", "checkpoint"])
def test_what_another_process_has_done_since_is_looked_at_again(request_of, meanwhile):
    request = request_of()
    claimed = claim(request)
    if meanwhile == "finished":
        _finish(request)
    else:
        path = request.folder.checkpoint(3)
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    held_before = sorted(os.listdir("run"))
    assert not fit(request, claimed, None, None, None), "nothing of the experiment is touched"
    assert sorted({*os.listdir("run")} - {".lock"}) == held_before


def test_a_checkpoint_is_for_the_other_commands(request_of):
    with pytest.raises(UserError, match="ckpt_path is for test and validate"):
        claim(request_of("--ckpt_path", "x.ckpt"))
