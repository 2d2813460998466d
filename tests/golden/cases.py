"""Tiny experiments whose curves are kept: every configuration, retraining mode, criterion, and more."""

from dataclasses import dataclass, field
from itertools import product

import yaml

from tests.small import PROJECT, QUICK

CONFIGS = sorted((PROJECT / "configs").glob("*.yaml"))
SHORT = [*QUICK[:-4], "--pruning.epochs_per_level", "2", *QUICK[-2:]]
NARROW = {
    "MLP": ["--model.net.widths", "[8]"],
    "ViT": ["--model.net.depth", "1", "--model.net.width", "8", "--model.net.heads", "2"],
}
CONV = ["--model.net", "sdd.models.ResNet", "--model.net.width", "4", "--model.net.in_channels", "1"]
FLATNESS = [f"--flatness.{name}=true" for name in ("hessian_top", "hessian_trace", "sharpness", "loss_curves")]


@dataclass(frozen=True)
class Case:
    """An experiment.

    Attributes:
        name: Of the case.
        arguments: Of `python -m sdd`, without the folder.
        first: Arguments of a run that it builds on, and that run's folder.
        quick: Whether the fast tests run it too.
    """

    name: str
    arguments: list[str]
    first: tuple[list[str], str] | None = None
    quick: bool = field(default=False)


def _config_case(path) -> Case:
    content = yaml.safe_load(path.read_text())
    kind = content["model"]["net"]["class_path"].rpartition(".")[2]
    narrow = list(NARROW.get(kind, ["--model.net.width", "4"]))
    levels = ["--pruning.levels", "2"]
    if "tinyimagenet" in path.stem:
        narrow += ["--model.net.depth", "18", "--model.net.num_classes", "4", "--data.root", "images"]
        levels = []
    tiny = ["--data.train_size", "64", "--data.batch_size", "32", "--pruning.rewind_steps", "1", "--threads", "1"]
    tiny += ["--pruning.epochs_per_level", "2", "--progress.show", "none", "--trainer.accelerator", "cpu"]
    tiny += ["--flatness.examples", "20", "--flatness.trace_probes", "2", "--flatness.directions", "1"]
    if "levels" in content.get("flatness", {}):
        tiny += ["--flatness.levels", "[0]"]
    arguments = ["fit", "--config", str(path), *narrow, *levels, *tiny]
    source = content["pruning"].get("masks_from")
    first = None
    if source:
        own = ["--pruning.masks_from", "null", "--pruning.retrain", "lottery", "--pruning.redense_lr", "null"]
        first = ([*arguments, *own], source.replace("{seed}", "0"))
    return Case(path.stem, arguments, first)


def _cases() -> list[Case]:
    cases = [_config_case(path) for path in CONFIGS]
    modes, criteria = ("lottery", "lr_rewind", "finetune", "scratch"), ("magnitude", "gradient", "random", "largest")
    for retrain, criterion in product(modes, criteria):
        chosen = ["--pruning.retrain", retrain, "--pruning.criterion", criterion]
        cases.append(Case(f"{retrain}-{criterion}", [*SHORT, *chosen], quick=retrain == "lottery"))
        chosen += ["--pruning.scope", "layer", "--pruning.frozen", "final", "--pruning.rewind_steps", "3"]
        cases.append(Case(f"{retrain}-{criterion}-layer", [*SHORT, *chosen]))
    lottery = (SHORT, "runs/lottery")
    masks = ["--pruning.masks_from", "runs/lottery"]
    cases += [
        Case("tickets", [*SHORT, "--pruning.retrain", "scratch", *masks], lottery),
        Case("redense", [*SHORT, "--pruning.retrain", "redense", *masks], lottery),
        Case("sparsities", [*SHORT, "--pruning.sparsities", "[0.3,0.9]"], quick=True),
        Case("dense_from", [*SHORT, "--pruning.sparsities", "[0.8]", "--pruning.dense_from", "auto"]),
        Case("masks_from-auto", [*SHORT, "--pruning.retrain", "scratch", "--pruning.masks_from", "auto"]),
        Case("frozen-initial", [*SHORT, "--pruning.frozen", "initial"]),
        Case("penalty", [*SHORT, "--model.distance_penalty", "0.01"]),
        Case("stop_loss", [*SHORT, "--pruning.stop_loss", "2.2"]),
        Case("distances", [*SHORT, "--distance.per_layer", "true", "--distance.path", "true"]),
        Case("flatness", [*SHORT, *FLATNESS, "--flatness.examples", "60", "--flatness.space", "full"], quick=True),
        Case("clipped", [*SHORT, "--trainer.gradient_clip_val", "0.5", "--trainer.accumulate_grad_batches", "2"]),
        Case("validation", [*SHORT, "--data.val_size", "50"]),
        Case("distilled", [*SHORT, "--model.distill_from", "runs/lottery", "--model.distill_weight", "0.5"], lottery),
        Case("robust loss", [*SHORT, "--model.loss", "generalized_cross_entropy"]),
        Case("spectrum", [*SHORT, "--flatness.spectrum", "true", "--flatness.examples", "60"]),
        Case("adamw", [*SHORT, "--model.optimizer", "AdamW", "--model.optimizer.lr", "0.01"]),
    ]
    step = ["--model.lr_scheduler", "torch.optim.lr_scheduler.StepLR", "--model.lr_scheduler.step_size", "3"]
    cases.append(Case("steps", [*SHORT, *step, "--model.lr_interval", "step", "--pruning.retrain", "finetune"]))
    noises = ("uniform", "symmetric", "pairflip")
    cases += [Case(f"noise-{noise}", [*SHORT, "--data.noise_type", noise]) for noise in noises]
    mnist = ["--data.dataset", "mnist", "--model.net.in_features", "784", "--data.noise_type", "asymmetric"]
    cases.append(Case("noise-asymmetric", [*SHORT, *mnist]))
    human = ["--data.noise_type", "human", "--data.noise_file", "labels.txt"]
    cases.append(Case("noise-human", [*SHORT, *human]))
    for augment in ("crop_flip", "resized_crop_flip"):
        cases.append(Case(f"augment-{augment}", [*SHORT, "--data.augment", augment]))
    cases.append(Case("convolutions", [*SHORT[:3], *CONV, *SHORT[3:7], *SHORT[9:], "--pruning.exclude", "[]"]))
    return cases


CASES = _cases()
