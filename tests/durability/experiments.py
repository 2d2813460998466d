"""The runs that are stopped and damaged: every retraining mode, criterion and measure, each as small as can be."""

from dataclasses import replace
from pathlib import Path

import torch

from tests.golden.cases import CASES, FLATNESS, SHORT, Case
from tests.golden.stand_ins import image_folder

FOLDER = "runs/case"
"""Where each run lies, in the folder that it is run in."""

_TINY = [*SHORT[:-6], "--pruning.levels", "2", "--pruning.epochs_per_level", "2", *SHORT[-2:]]

TINY = Case("tiny", [*_TINY, "--checkpoint.every_n_epochs", "1", "--distance.path", "true"])
DDP = Case("two processes", [*_TINY, "--trainer.strategy", "ddp", "--trainer.devices", "2"])
READ = replace(TINY, name="read meanwhile")
"""Read by other commands, too, whenever it has been stopped or has gone on."""

_IMAGES = ["--data.dataset", "image_folder", "--data.root", "images", "--data.image_size", "8"]
_AUGMENTED = ["--data.augment", "crop_flip", "--data.train_size", "40", "--data.batch_size", "20"]
_IMAGE_NET = ["--model.net.in_features", "192", "--model.net.num_classes", "4"]

_SPECTRUM = ["--flatness.spectrum", "true", "--flatness.spectrum_steps", "5", "--flatness.spectrum_probes", "2"]
_EXAMPLES = ["--flatness.examples", "40"]

_GOLDEN = (
    *(f"{mode}-gradient-layer" for mode in ("lottery", "lr_rewind", "finetune", "scratch")),
    *("lottery-random", "lottery-largest", "tickets", "redense", "dense_from", "masks_from-auto", "frozen-initial"),
    *("distilled", "noise-human"),
)

EXPERIMENTS = {
    case.name: case
    for case in (
        TINY,
        Case("with a trial", [*_TINY, "--preflight", "true"]),
        READ,
        Case("dynamics", [*_TINY, "--dynamics.levels", "all"]),
        Case("flatness", [*_TINY, *FLATNESS, *_EXAMPLES]),
        Case("spectrum", [*_TINY, *_SPECTRUM, *_EXAMPLES]),
        Case("half precision", [*_TINY, "--trainer.precision", "bf16-mixed"]),
        Case("masks kept", [*_TINY, "--checkpoint.keep_levels", "masks"]),
        Case("one mask", [*_TINY, "--pruning.masks_from", "mask.pt", "--pruning.levels", "1"]),
        Case("images", [*_TINY, *_IMAGES, *_AUGMENTED, *_IMAGE_NET]),
        *(case for case in CASES if case.name in _GOLDEN),
        DDP,
    )
}
"""By name."""


def write_inputs(case: Case, folder: Path) -> None:
    """Write the files that an experiment reads: images, labels, a mask."""
    if "images" in case.arguments:
        image_folder(folder / "images", side=8)
    if "labels.txt" in case.arguments:
        (folder / "labels.txt").write_text("\n".join(str(n * 7 % 10) for n in range(1000)))
    if "mask.pt" in case.arguments:
        weights = torch.Generator().manual_seed(0)
        torch.save({"hidden.0.weight": torch.rand(20, 64, generator=weights) < 0.5}, folder / "mask.pt")


def command(case: Case) -> list[str]:
    """Return the command line of an experiment."""
    tried = [] if "--preflight" in case.arguments else UNTRIED
    return [*case.arguments, *tried, "--run_dir", FOLDER]


UNTRIED = ["--preflight", "false"]
