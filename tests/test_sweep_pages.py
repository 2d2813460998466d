"""The pages on sweeps and tracking: their commands are ours, their files exist, their Python runs."""

import re
import subprocess
import sys

import pytest

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.cli.parse import plan
from tests.documents import blocks, commands
from tests.small import PROJECT, QUICK
from tests.wandb_client.client import small_sweep

PAGES = [PROJECT / "docs" / name for name in ("sweeps.md", "tracking.md")]
OURS = [
    command[3:]
    for page in PAGES
    for block in blocks(page, "sh")
    for command in commands(block.text)
    if command[:3] == ["python", "-m", "sdd"]
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty folder that sees the project's experiments."""
    monkeypatch.chdir(tmp_path)
    for name in ("configs", "sweeps"):
        (tmp_path / name).symlink_to(PROJECT / name)
    return tmp_path


VALUES = {"seed_everything": [0], "data.noise_rate": [0.2, 0.4]}
SWEEPS = sorted({tuple(command) for command in OURS if command[0] == "sweep"})


@pytest.mark.parametrize("command", SWEEPS, ids=" ".join)
def test_sweeps_can_be_started_so(project, capsys, command):
    assert main([*command, "--data.noise_rate", "0.2", "--dry_run"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == (5 if "--seed_everything" in command else 3)
    logger = command[command.index("--trainer.logger") + 1] if "--trainer.logger" in command else None
    assert all(logger is None or f"--trainer.logger={logger}" in line for line in listed)


def test_other_commands_are_ours_too():
    others = [command for command in OURS if command[0] != "sweep"]
    assert {command[0] for command in others} == {"status", "report", "fit", "dashboard"}
    for command in others:
        if command[0] == "fit":
            plan([word.replace("configs/", f"{PROJECT}/configs/") for word in command])
        elif command[0] == "dashboard":
            assert main([*command, "--dry_run"]) == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_exist(page):
    named = set(re.findall(r"\b(?:sweeps|configs|examples|docs)/[\w.]+\.\w+", page.read_text()))
    assert named
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


@pytest.mark.slow
def test_submitit_divides_a_sweep_among_tasks(project):
    pytest.importorskip("submitit")
    (block,) = blocks(PAGES[0], "python")
    file = small_sweep(PROJECT / "sweeps" / "digits_noise_rates.yaml", project, QUICK[3:], VALUES)
    code = block.text.replace("cluster=None", 'cluster="local"').replace("sweeps/digits_noise_rates.yaml", str(file))
    code = code.replace("range(8)", "range(2)")
    (project / block.title).write_text(code)
    done = subprocess.run(
        [sys.executable, block.title],
        cwd=project,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "HOME": str(project), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    curves = sorted((project / "runs" / "digits_noise_rates").glob("*/curve.csv"))
    assert [len(read_curve(path)) for path in curves] == [4] * 2
    assert len(list((project / "submitit").glob("*_result.pkl"))) == 2
