"""What a process imports."""

import json
import subprocess
import sys

import pytest

from sdd.__main__ import script
from tests.analysis.test_comparison import make_run
from tests.small import QUICK

_RUN = """
import gc, json, sys
for name in json.loads(sys.argv[1]):
    __import__(name)
before = {name.partition(".")[0] for name in sys.modules}
from sdd.__main__ import main
status = main(json.loads(sys.argv[2]))
new = sorted({name.partition(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names))
print(json.dumps([status, new, gc.get_freeze_count(), gc.isenabled()]))
"""


def packages_of(arguments, *, imported=()):
    """Run a command in a process of its own.

    Returns:
        The packages that it imports beside those imported before, how many objects are never looked through again, and
        whether garbage is collected.
    """
    command = [sys.executable, "-c", _RUN, json.dumps(imported), json.dumps(arguments)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    status, new, frozen, collects = json.loads(told)
    assert status == 0
    return set(new), frozen, collects


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["test", "-h"]])
def test_help_imports_nothing_large(arguments):
    assert not packages_of(arguments)[0] & {"torch", "lightning", "numpy", "jsonargparse", "yaml", "matplotlib"}


def test_the_command_finds_modules_in_its_folder_as_python_m_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/usr/local/bin", *sys.path])  # where the command itself is
    monkeypatch.setattr(sys, "argv", ["sdd", "--version"])
    with pytest.raises(SystemExit):
        script()
    assert sys.path[0] == str(tmp_path)


@pytest.mark.slow
def test_a_run_of_digits_imports_nothing_that_pytorch_and_lightning_do_not(tmp_path):
    arguments = [*QUICK, "--run_dir", str(tmp_path)]
    new, frozen, collects = packages_of(arguments, imported=["lightning.pytorch.cli", "torch._dynamo"])
    # Lightning imports torchmetrics, which imports torchvision, scipy.signal and matplotlib, and torch._dynamo, which
    # PyTorch's own optimizers need too.
    assert "sdd" in new
    assert not new & {"sklearn", "pandas", "joblib", "wandb", "plotly", "ray", "torchvision", "PIL"}
    assert frozen > 100_000
    assert collects


@pytest.mark.slow
def test_finished_curves_are_read_and_drawn_without_torchvision_and_compilers(tmp_path):
    make_run(tmp_path / "run", 0)
    new, _, _ = packages_of(["plot", str(tmp_path / "run"), "--out", str(tmp_path / "a.png")])
    assert {"torch", "matplotlib"} <= new
    assert not new & {"torchvision", "torchmetrics", "lightning", "sympy"}
