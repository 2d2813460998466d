"""Every grid in `sweeps/`, through the real `wandb sweep` and, in its small version, the real `wandb agent`."""

import sys
from itertools import product

import numpy as np
import pytest
import yaml
from PIL import Image

from sdd.analysis.curve import read_curve
from sdd.sweep.sweep_file import read_sweep
from tests.golden.stand_ins import human_labels
from tests.small import PROJECT, curve_without_seconds
from tests.wandb_client.arrival import check_arrived, folder_of
from tests.wandb_client.client import small_sweep

# A search has a test of its own: test_search.py.
SWEEPS = [
    file for file in sorted((PROJECT / "sweeps").glob("*.yaml")) if yaml.safe_load(file.read_text())["method"] == "grid"
]

# What makes a run of a second of any config, whose networks and data sets are too large for a test.
QUICK = [
    *("--data.train_size", "120", "--data.batch_size", "60", "--data.augment", "none", "--threads", "1"),
    *("--pruning.epochs_per_level", "2", "--pruning.rewind_steps", "1", "--progress.show", "none"),
    *("--flatness.examples", "20", "--flatness.trace_probes", "2", "--flatness.directions", "1"),
    *("--trainer.accelerator", "cpu"),
]
MLP = ["--data.dataset", "digits", "--model.net.in_features", "64", "--model.net.widths", "[12]"]
RESNET = [
    "--data.dataset",
    "digits",
    "--model.net.in_channels",
    "1",
    "--model.net.width",
    "4",
    "--model.net.num_classes",
    "10",
]
PICTURES = ["--model.net.depth", "18", "--model.net.width", "4", "--model.net.num_classes", "2"]


def arguments(name: str) -> list[str]:
    """What goes into the command of a file's small version."""
    network = {"digits": MLP, "mnist": MLP, "cifar10": RESNET, "cifar100": RESNET, "tinyimagenet": PICTURES}[
        name.partition("_")[0]
    ]
    levels = [] if name.endswith("sparsities") else ["--pruning.levels", "2"]
    teacher = ["--model.distill_level", "1"] if name == "digits_remedies" else []
    return [*QUICK, *network, *levels, *teacher]


def few(name: str, parameters: dict) -> dict[str, list]:
    """The last value of each parameter; of two that a file on digits varies beside the seed, the first one too."""
    # The digits have no classes that are taken for each other, which asymmetric noise needs.
    values = {key: [v for v in part["values"] if v != "asymmetric"] for key, part in parameters.items()}
    both = [key for key in values if key != "seed_everything"] or list(values)
    both = both[:2] if name.startswith("digits") else []
    return {key: [v[0], v[-1]] if key in both and len(v) > 1 else v[-1:] for key, v in values.items()}


def pictures(folder) -> None:
    """A folder of pictures in the form of Tiny ImageNet's."""
    draw = np.random.default_rng(0)
    for part, number in (("train", 60), ("val", 10)):
        for label in ("n01", "n02"):
            (folder / part / label).mkdir(parents=True)
            for place in range(number):
                pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / label / f"{place}.png")


@pytest.mark.slow
@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_a_sweep_file_runs_through_wandb(server, machine, file):
    whole = machine.sweep(file)
    parameters = yaml.safe_load(file.read_text())["parameters"]
    values = [parameters[name]["values"] for name in sorted(parameters)]
    assert whole.cells == [dict(zip(sorted(parameters), cell, strict=True)) for cell in product(*values)]
    varying = {name for name, several in zip(sorted(parameters), values, strict=True) if len(several) > 1}
    assert [cell.values for cell in read_sweep(file).cells] == [
        {name: value for name, value in cell.items() if name in varying} for cell in whole.cells
    ]
    if file.stem.startswith("tinyimagenet"):
        pictures(machine.folder / "tiny-imagenet-200")
    if "human" in file.stem:
        human_labels(machine.folder, 1000)

    sweep = machine.sweep(small_sweep(file, machine.folder, arguments(file.stem), few(file.stem, parameters)))
    machine.run_agent(sweep)

    assert [kind for _, kind, _ in server.backend.handed_out] == ["run"] * len(sweep.cells)
    assert sorted(run.cell.items() for run in server.runs) == sorted(cell.items() for cell in sweep.cells)
    for run in server.runs:
        folder = folder_of(run, machine.runs)
        check_arrived(run, folder)
        assert run.starts == 1
        assert run.display_name == ",".join(f"{_last(name)}={_shown(value)}" for name, value in run.cell.items())
        assert len(run.tags) == 3
        _check_what_shows_in_the_curve(run.cell, read_curve(folder / "curve.csv"))
    curves = [curve_without_seconds(folder_of(run, machine.runs)) for run in server.runs]
    assert all(curves.count(curve) == 1 for curve in curves), "no two cells are the same run"
    if file.stem.startswith("digits"):
        _check_that_the_local_sweep_is_the_same(machine, file.name)


def _check_that_the_local_sweep_is_the_same(machine, file):
    local = ["sweep", file, "--runs", "local", "--workers", "2"]
    process = machine.start(sys.executable, "-m", "sdd", *local, log="sweep.log")
    assert process.wait(600) == 0, (machine.folder / "sweep.log").read_text()
    by_agents, by_itself = (
        {path.parent.name: curve_without_seconds(path.parent) for path in folder.glob("*/curve.csv")}
        for folder in (machine.runs, machine.folder / "local")
    )
    assert by_itself == by_agents, "the same folders with the same numbers, runs that others build on included"


def _check_what_shows_in_the_curve(cell, rows):
    assert (rows[0]["memorized"] != rows[0]["memorized"]) == (cell.get("data.noise_rate") == 0.0)
    if "pruning.sparsities" in cell:
        assert [row["sparsity"] for row in rows] == pytest.approx([0, *cell["pruning.sparsities"]], abs=2e-3)
    else:
        assert len(rows) == 3


def _last(name):
    return name.rpartition(".")[2]


def _shown(value):
    return str(value).strip("[]").replace(" ", "")
