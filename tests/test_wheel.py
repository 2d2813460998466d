"""The wheel, installed outside the repository: nothing of the checkout is needed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

from tests.small import PROJECT

SHORT = ["--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--data.train_size", "100", "--run_dir", "run"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    for folder in ("sdd", "configs", "sweeps"):
        shutil.copytree(PROJECT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(PROJECT / file, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(place), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment that has our libraries, and of sdd the wheel alone."""
    place = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    python = place / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True)
    own = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    with open(os.path.join(own, "libraries.pth"), "w") as file:
        file.write(sysconfig.get_path("purelib") + "\n")
    return place


def run(place, *words):
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment["PATH"] = os.pathsep.join([str(place / "venv" / "bin"), environment["PATH"]])
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)
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
    assert str(installed) in where, "it is the wheel that is tried"
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
