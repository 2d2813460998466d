"""The table of docs/costs.md is what the configurations and PyTorch's own counter say."""

import re
from importlib import import_module

import pytest
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from tests.small import PROJECT

IMAGES = {"mnist": (1, 28), "cifar10": (3, 32), "cifar100": (3, 32), "image_folder": (3, 32)}
ROWS = re.findall(
    r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|$",
    (PROJECT / "docs" / "costs.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_epochs_and_operations(row):
    name, epochs, images, giga, exa = row
    config = yaml.safe_load((PROJECT / "configs" / f"{name}.yaml").read_text())
    pruning, net = config["pruning"], config["model"]["net"]
    levels = 1 + (pruning["levels"] if "levels" in pruning else len(pruning["sparsities"]))
    planned = levels * pruning["epochs_per_level"]
    assert epochs == f"{planned:,}"
    module, _, kind = net["class_path"].rpartition(".")
    channels, side = IMAGES[config["data"]["dataset"]]
    with torch.device("meta"):
        made = getattr(import_module(module), kind)(**net["init_args"])
        two = torch.zeros(2, channels, side, side)
    with FlopCounterMode(display=False) as counter:
        made(two).sum().backward()
    each = counter.get_total_flops() / 2
    assert giga == f"{each / 1e9:.3g}"
    assert exa == f"{planned * int(images.replace(',', '')) * each / 1e18:.2g}"


def test_every_configuration_that_is_not_of_digits_or_a_variant_is_there():
    every = {path.stem for path in (PROJECT / "configs").glob("*.yaml")}
    variants = {name for name in every if name.startswith("digits") or name.endswith(("_flatness", "_tickets"))}
    assert {row[0] for row in ROWS} == every - variants
