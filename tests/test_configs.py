"""Every file in `configs/` is a whole experiment with the protocol's recipe, and its arguments reach every part."""

import pytest
import torch
import yaml

import sweeps
from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import IterativePruning
from sdd.cli.build import build
from sdd.cli.parse import parse
from sdd.data.datasets import Dataset, DataSource
from sdd.pruning.prunable import prunable_parameters
from tests.golden.stand_ins import human_labels
from tests.small import PROJECT, level_state

CONFIGS = sorted((PROJECT / "configs").glob("*.yaml"))
SWEEPS = sorted((PROJECT / "sweeps").glob("*.yaml"))
SEARCH = PROJECT / "sweeps" / "digits_bayes.yaml"
PAPER = {
    # network's parameters, batch, epochs, rate, momentum, decay, milestones, augmentation, levels, excluded
    "digits_mlp": (50_610, 128, 50, 0.1, 0.9, 0.0, None, "none", 34, ["fc.weight"]),
    "mnist_lenet": (266_610, 128, 200, 0.1, 0.0, 0.0, None, "none", 30, ["fc.weight"]),
    "cifar10_resnet18": (11_173_962, 128, 160, 0.1, 0.9, 1e-4, [80, 120], "crop_flip", 30, []),
    "cifar100_resnet18": (11_220_132, 128, 160, 0.1, 0.9, 1e-4, [80, 120], "crop_flip", 30, []),
    "cifar10_vgg16": (14_728_266, 128, 160, 0.1, 0.9, 1e-4, [80, 120], "crop_flip", 30, ["fc.weight"]),
    "cifar100_vgg16": (14_774_436, 128, 160, 0.1, 0.9, 1e-4, [80, 120], "crop_flip", 30, ["fc.weight"]),
    "tinyimagenet_resnet101": (42_902_280, 512, 200, 0.2, 0.9, 1e-4, [19600, 29400], "resized_crop_flip", 1, []),
}
NARROW = {
    "MLP": ["--model.net.widths", "[8]"],
    "ViT": ["--model.net.depth", "1", "--model.net.width", "8"],
}
SHAPES = {"digits": (1, 8, 10), "mnist": (1, 28, 10), "cifar10": (3, 32, 10), "cifar100": (3, 32, 100)}


def quick_ones(paths, names):
    """Each file as a case, slow but for some."""
    marks = {path: [] if path.stem in names else [pytest.mark.slow] for path in paths}
    return [pytest.param(path, marks=marks[path], id=path.stem) for path in paths]


def fake(name: str) -> Dataset:
    """Random images of a data set's shape, 600 to train on and 100 to test."""
    channels, side, classes = SHAPES.get(name, (3, 64, 200))
    generator = torch.Generator().manual_seed(0)

    def part(count):
        images = torch.randint(256, (count, channels, side, side), dtype=torch.uint8, generator=generator)
        return images, torch.arange(count).remainder(classes).numpy()

    plain = {"num_classes": classes, "mean": [0.5] * channels, "std": [0.25] * channels}
    return Dataset(*part(600), *part(100), **plain, look_alikes={3: 5, 5: 3})


@pytest.fixture(autouse=True)
def _without_download(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    for name in ("mnist", "cifar10", "cifar100", "image_folder"):
        stand_in = DataSource(lambda root, *, load_size=None, name=name: fake(name))
        monkeypatch.setattr(f"sdd.data.datasets.{name}.PART", stand_in)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def built(monkeypatch):
    """Parse a command line and build everything of it, but train neither it nor what it builds on."""
    # The stand-ins for the data sets are too small for the paper's 1,000 steps.
    monkeypatch.setattr(IterativePruning, "check_steps", lambda *_: None)

    def build_of(*arguments):
        request = parse(arguments)
        config = request.config.clone()
        config.pruning.masks_from, config.pruning.masks_shuffled, config.preflight = None, False, False
        return request, build(request, config)

    return build_of


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem in PAPER], ids=lambda path: path.stem)
def test_a_config_is_the_protocols_recipe(built, path):
    size, batch, epochs, rate, momentum, decay, milestones, augment, levels, excluded = PAPER[path.stem]
    _, made = built("fit", "--config", str(path))
    assert sum(parameter.numel() for parameter in made.model.net.parameters()) == size
    optimizers = made.model.configure_optimizers()
    optimizer = optimizers["optimizer"] if milestones else optimizers
    group = optimizer.param_groups[0]
    assert isinstance(optimizer, torch.optim.SGD)
    assert (group["initial_lr"] if milestones else group["lr"], group["momentum"], group["weight_decay"]) == (
        rate,
        momentum,
        decay,
    )
    if milestones:
        scheduler = optimizers["lr_scheduler"]["scheduler"]
        assert sorted(scheduler.milestones) == milestones
        assert scheduler.gamma == 0.1
        assert optimizers["lr_scheduler"]["interval"] == ("epoch" if milestones[0] < epochs else "step")
    pruning = made.pruning
    assert (made.data.batch_size, made.data.augment) == (batch, augment)
    assert (pruning.epochs_per_level, pruning.last_level, list(pruning.exclude)) == (epochs, levels, excluded)
    assert made.trainer.max_epochs == (levels + 1) * epochs
    assert pruning.criterion == "magnitude"
    assert prunable_parameters(made.model.net, pruning.exclude)


def test_every_paper_config_is_there():
    assert {path.stem for path in CONFIGS} >= set(PAPER)


@pytest.mark.parametrize("path", quick_ones(CONFIGS, {"digits_mlp", "digits_redense", "cifar10_vgg16"}))
def test_a_config_runs_end_to_end_in_small(path, tmp_path):
    content = yaml.safe_load(path.read_text())
    net = content["model"]["net"]["class_path"]
    narrow = NARROW.get(net.rpartition(".")[2], ["--model.net.width", "4"])
    if "resnet101" in path.stem:
        narrow += ["--model.net.depth", "50"]
    one_level = [] if "tinyimagenet" in path.stem else ["--pruning.levels", "1"]
    tiny = ["--data.train_size", "64", "--data.batch_size", "32", "--pruning.rewind_steps", "1"]
    tiny += ["--pruning.epochs_per_level", "1", "--progress.show", "none", "--trainer.accelerator", "cpu"]
    arguments = ["fit", "--config", str(path), *narrow, *one_level, *tiny]
    arguments += ["--flatness.examples", "20", "--flatness.trace_probes", "2", "--flatness.directions", "1"]
    if "vit" in path.stem:
        arguments += ["--flatness.hessian_top", "true"]
    if "levels" in content.get("flatness", {}):
        arguments += ["--flatness.levels", "[0]"]
    source = content["pruning"].get("masks_from")
    if source:
        lottery = [
            "--pruning.masks_from",
            "null",
            "--pruning.retrain",
            "lottery",
            "--pruning.redense_lr",
            "null",
            "--run_dir",
            source.replace("{seed}", "0"),
        ]
        assert main([*arguments, *lottery]) == 0
    assert main([*arguments, "--run_dir", "run"]) == 0
    rows = read_curve(tmp_path / "run" / "curve.csv")
    assert len(rows) == 2
    assert rows[1]["sparsity"] > 0
    assert ("hessian_trace" in rows[0]) == ("flatness" in path.stem)
    if "vit" in path.stem:
        _, masks = level_state(tmp_path / "run", 1)
        assert not masks["encoder.layers.encoder_layer_0.self_attention.in_proj_weight"].all()
        assert "heads.head.weight" not in masks
        assert rows[1]["hessian_top"] > 0
    assert ("test_acc_before" in rows[0]) == ("redense" in path.stem)


def test_every_flat_argument_of_the_readme_reaches_its_part(built):
    arguments = {
        "data.dataset": "mnist",
        "data.noise_type": "pairflip",
        "data.noise_rate": "0.3",
        "data.noise_seed": "7",
        "data.train_size": "500",
        "data.root": "here",
        "pruning.levels": "5",
        "pruning.fraction": "0.25",
        "pruning.epochs_per_level": "4",
        "pruning.criterion": "gradient",
        "pruning.scope": "layer",
        "pruning.retrain": "lr_rewind",
        "pruning.rewind_steps": "3",
        "pruning.exclude": "[hidden.1.weight]",
    }
    flags = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    config = str(PROJECT / "configs" / "mnist_lenet.yaml")
    _, made = built("fit", "--config", config, *flags, "--seed_everything", "3", "--run_dir", "runs/x")
    data, pruning = made.data, made.pruning
    assert (data.dataset, data.noise_type, data.noise_rate, data.noise_seed) == ("mnist", "pairflip", 0.3, 7)
    assert (data.train_size, str(data.root), data.seed) == (500, "here", 3)
    assert (pruning.last_level, pruning.epochs_per_level) == (5, 4)
    assert (pruning.criterion, pruning.scope, pruning.retrain) == ("gradient", "layer", "lr_rewind")
    assert (pruning.rewind_steps, pruning.exclude, pruning.seed) == (3, ("hidden.1.weight",), 3)
    assert (made.model.seed, made.trainer.max_epochs, made.trainer.default_root_dir) == (3, 24, "runs/x")


@pytest.mark.parametrize(
    "path",
    quick_ones(
        [path for path in SWEEPS if path != SEARCH], {"digits_noise_rates", "digits_beyond", "tinyimagenet_sparsities"}
    ),
)
def test_every_cell_of_a_sweep_is_a_command_that_builds(built, tmp_path, monkeypatch, path):
    """Renders the first and last cell as the agent does, `--key=value`, and builds everything of it."""
    sweep = yaml.safe_load(path.read_text())
    assert (sweep["method"], sweep["name"]) == ("grid", path.stem)
    command = sweep["command"]
    assert command[:5] == ["${env}", "python", "-m", "${program}", "fit"]
    assert command[-3:] == ["--trainer.logger", "WandbLogger", "${args}"]
    config = PROJECT / command[command.index("--config") + 1]
    fixed = command[command.index("--config") + 2 : -3]
    human_labels(tmp_path, 600)
    monkeypatch.chdir(tmp_path)
    for place in (0, -1):
        values = {name: part["values"][place] for name, part in sweep["parameters"].items()}
        cell = [f"--{name}={value}" for name, value in values.items()]
        request, made = built("fit", "--config", str(config), *fixed, *cell, "--run_dir", str(tmp_path / f"run{place}"))
        settings = request.plan.settings.values | {"data.root": str(made.data.root)}
        assert {name: settings[name] for name in values} == values
        assert made.model.seed == made.data.seed == values["seed_everything"]
        assert made.model.distance_penalty == values.get("model.distance_penalty", 0.0)
        assert made.data.noise_rate == settings["data.noise_rate"]
        assert made.pruning.frozen == values.get("pruning.frozen", "zero")


def test_a_search_maximises_what_every_run_has_over_settings_that_there_are(built, tmp_path):
    """W&B's own engine suggests a run, as its server does; its file is a valid one by the engine's schema."""
    content = yaml.safe_load(SEARCH.read_text())
    assert content["metric"] == {"name": "depth", "goal": "maximize"}
    described = {name: content[name] for name in ("method", "metric", "early_terminate", "parameters")}
    suggested = sweeps.next_run(described, [], validate=True).config
    cell = [f"--{name}={entry['value']}" for name, entry in suggested.items()]
    command = content["command"]
    config = PROJECT / command[command.index("--config") + 1]
    request, made = built("fit", "--config", str(config), *cell, "--run_dir", str(tmp_path / "run"))
    assert made.data.noise_rate == suggested["data.noise_rate"]["value"]
    assert request.plan.settings.values["model.optimizer.init_args.lr"] == suggested["model.optimizer.lr"]["value"]
