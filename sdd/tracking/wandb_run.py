"""What a run is called on W&B, which runs it is grouped with, and its tags."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from sdd.runs.settings import SEED, SPARSITIES, digest

_LONGEST = 120
_LONGEST_TAG = 64


def in_wandb_sweep() -> bool:
    """Tell whether an agent of a W&B sweep started this process."""
    return "WANDB_SWEEP_ID" in os.environ


def swept_values(arguments: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sweep agent set, by arguments of the form --key=value, in one order however they are given.

    Args:
        arguments: The command line.
        settings: The run's, as flat dotted keys; they say a value as it was read, 0.0 where an agent writes 0.
    """
    pairs = sorted(argument[2:].split("=", 1) for argument in arguments if _is_pair(argument))
    return {key: settings.get(key, text) for key, text in pairs if key not in {"config", "run_dir"}}


def agent_arguments(arguments: Sequence[str]) -> list[str]:
    """Return a sweep agent's command line without what is no setting of the sweep.

    An agent that hands out a pre-empted run again gives the run's whole logged configuration, sections as
    --data={...} and unset values as --run_dir=None among the swept settings, and in no order.

    Args:
        arguments: The command line.
    """
    pairs = {argument: argument[2:].split("=", 1) for argument in arguments if _is_pair(argument)}
    if not any("." not in key and value.startswith("{") for key, value in pairs.values()):
        return list(arguments)
    return [
        argument
        for argument in arguments
        if argument not in pairs or "." in pairs[argument][0] or pairs[argument][0] == SEED
    ]


def _is_pair(argument: str) -> bool:
    return argument.startswith("--") and "=" in argument


def cell_name(values: Mapping[str, Any]) -> str:
    """Return a name for a cell of a sweep, such as noise_rate=0.2,seed_everything=0.

    Args:
        values: Settings by dotted name; the last part of a name is shown where that is unique.
    """
    last = [key.rpartition(".")[2] for key in values]
    shown = [short if last.count(short) == 1 else key for key, short in zip(values, last, strict=True)]
    return ",".join(f"{key}={_plain(value)}" for key, value in zip(shown, values.values(), strict=True))


def run_name(config_name: str, swept: Mapping[str, Any]) -> str:
    """Return the display name of a run of a sweep."""
    return (cell_name(swept) or config_name)[:_LONGEST]


def group_name(config_name: str, chosen: Mapping[str, Any], swept: Mapping[str, Any], *, one_shot: bool) -> str:
    """Return one name for all runs that differ only in their seed, and none other.

    Args:
        config_name: Of the configuration file.
        chosen: The run's settings that differ from the defaults, as flat dotted keys.
        swept: What the sweep set.
        one_shot: Whether the run is one sparsity of a curve that many runs make; its group is the curve.
    """
    left_out = {SEED, SPARSITIES} if one_shot else {SEED}
    named = cell_name({key: value for key, value in swept.items() if key not in left_out})
    exact = digest({key: value for key, value in chosen.items() if key not in left_out})
    return f"{','.join(part for part in (config_name, named) if part)[: _LONGEST - 9]}-{exact}"


def tags(settings: Mapping[str, Any]) -> list[str]:
    """Return data set, network and noise.

    Args:
        settings: The run's, as flat dotted keys.
    """
    network = str(settings["model.net.class_path"]).rpartition(".")[2]
    depth = settings.get("model.net.init_args.depth")
    rate = settings["data.noise_rate"]
    noise = f"{settings['data.noise_type']} {rate}" if rate else "clean labels"
    names = [str(settings["data.dataset"]), network if depth is None else f"{network}-{depth}", noise]
    return [name[:_LONGEST_TAG] for name in names]


def _plain(value: Any) -> str:
    return str(value).strip("[]").replace(" ", "")
