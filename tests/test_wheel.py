"""Installed outside the repository, as the Dockerfile and conda do, nothing of the checkout is needed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.small import PROJECT

OWN = """
from sdd.models import MLP


class Narrow(MLP):
    def __init__(self):
        super().__init__(64, [20], 10)
"""
SHORT = ["--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--data.train_size", "100", "--run_dir", "run"]
DOCKERFILE = re.sub(r"\\\n", " ", (PROJECT / "Dockerfile").read_text())
STEPS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]


def said(instruction):
    return [words for name, words in STEPS if name == instruction]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What the Dockerfile copies, and no more."""
    place = tmp_path_factory.mktemp("source")
    for words in said("COPY"):
        *files, target = words.split()
        for file in files:
            if (PROJECT / file).is_dir():
                shutil.copytree(PROJECT / file, place / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(PROJECT / file, place / target)
    return place


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(place), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(source, tmp_path_factory):
    """A fresh environment that finds our libraries, and has of sdd what the Dockerfile's steps install."""
    place = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    own = run(place, "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(own, "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for step in said("RUN"):
        run(place, *shlex.split(step), cwd=source)
    return place


def run(place, *words, cwd=None):
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment["PATH"] = os.pathsep.join([str(place / "venv" / "bin"), environment["PATH"]])
    done = subprocess.run(words, cwd=cwd or place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_every_configuration_sweep_and_script(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [*PROJECT.glob("configs/*.yaml"), *PROJECT.glob("sweeps/*.yaml"), PROJECT / "sweeps" / "slurm.sh"]
    assert {f"sdd/share/{path.relative_to(PROJECT)}" for path in shipped} <= names
    code = {
        str(path.relative_to(PROJECT)) for path in PROJECT.glob("sdd/**/*") if path.suffix in {".py", ".html", ".js"}
    }
    assert code <= names


@pytest.mark.slow
def test_what_is_installed_runs_by_name_from_any_folder(installed):
    where = run(installed, "python", "-c", "import sdd; print(sdd.__file__)")
    assert str(installed) in where, "it is what was installed that is tried"
    assert run(installed, "sdd", "--version").startswith("sdd ")
    assert "digits_mlp" in run(installed, "sdd", "configs")
    (installed / "mine.yaml").write_text(run(installed, "sdd", "configs", "digits_mlp"))
    assert "Double descent" in run(installed, "sdd", "fit", "--config", "digits_mlp", *SHORT)
    assert "is finished" in run(installed, "python", "-m", "sdd", "fit", "--config", "configs/digits_mlp.yaml", *SHORT)
    assert "is finished" in run(installed, "sdd", "fit", "--config", "mine.yaml", *SHORT)
    dry = run(installed, "sdd", "sweep", "digits_noise_rates", "--dry_run", "--pruning.levels", "1").splitlines()
    assert len(dry) == 12
    assert "figure" in run(installed, "sdd", "reproduce", "--list", "4")
    assert "1 finished" in run(installed, "sdd", "status", "run")
    (installed / "own.py").write_text(OWN)
    run(
        installed, "sdd", "fit", "--config", "digits_mlp", "--model.net", "own.Narrow", "--trainer.fast_dev_run", "true"
    )


@pytest.mark.slow
def test_the_image_starts_the_command_and_conda_installs_the_same(source, installed):
    (entry,), (default,) = said("ENTRYPOINT"), said("CMD")
    assert "usage" in run(installed, *yaml.safe_load(entry), *yaml.safe_load(default))
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    python, _, pip = environment["dependencies"]
    assert [f"python:{python.partition('=')[2]}-slim"] == said("FROM")
    (source / "requirements.txt").write_text("\n".join(pip["pip"]))  # as conda hands them to pip
    told = run(installed, "python", "-m", "pip", "install", "--dry-run", "-r", "requirements.txt", cwd=source)
    assert re.findall(r"Would install (.*)", told) == [f"sdd-{run(installed, 'sdd', '--version').split()[1]}"]
    assert said("RUN")[0].endswith(f" {' '.join(pip['pip'])}")
