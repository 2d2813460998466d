"""What a run is called on W&B, which runs it is grouped with, and its tags."""

from collections.abc import Mapping
from typing import Any

from sdd.runs.settings import SEED, SPARSITIES, digest

_LONGEST = 120
_LONGEST_TAG = 64


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
