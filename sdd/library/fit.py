"""`sdd.fit`: what `python -m sdd fit` does, as a function."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdd.callbacks.expressed import UnknownError, expressed
from sdd.cli.command import fit_from_python
from sdd.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fitted:
    """A run that has been fitted; a path to its folder wherever one is asked for.

    Attributes:
        path: The run's folder.
    """

    path: Path

    def __fspath__(self) -> str:
        """Return the folder's path."""
        return str(self.path)

    @property
    def curve(self) -> "pd.DataFrame":
        """The rows of `curve.csv`, one a level.

        Raises:
            UserError: There is none, or it is damaged.
        """
        from sdd.analysis.frame import load_curve

        return load_curve(self.path)


def fit(
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    /,
    **sections: Any,
) -> Fitted:
    """Train a run, or go on with one, exactly as `python -m sdd fit` does with the same settings.

    A run that is finished is not trained again; one that was stopped goes on from its last checkpoint::

        run = sdd.fit("configs/digits_mlp.yaml", {"data.noise_rate": 0.2}, pruning={"levels": 10}, seed_everything=1)
        run.curve.plot("remaining_fraction", "test_acc", logx=True, xlim=(1, 0.1))

    Args:
        config: A configuration file, or its content: settings by section.
        settings: More settings, by dotted name, such as `data.noise_rate`.
        **sections: More settings, by name or by section. Classes and functions may stand for their import paths.

    Returns:
        The run's folder and curve.

    Raises:
        UserError: A setting, or what it names, is wrong.
        StoppedError: The run was stopped before its last level's end; the same call goes on.
    """
    content = config if isinstance(config, Mapping) else {}
    file = [] if config is None or isinstance(config, Mapping) else ["--config", os.fspath(config)]
    flat = _flat(content) | _flat(settings or {}) | _flat(sections)
    return Fitted(fit_from_python([*file, *(f"--{name}={_text(name, value)}" for name, value in flat.items())]).path)


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by dotted name, those of sections taken out of them."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and "." not in name:
            flat |= {f"{name}.{option}": held for option, held in value.items()}
        else:
            flat[name] = value
    return flat


def _text(name: str, value: Any) -> str:
    """Return a value as the command line takes it; NumPy's numbers are numbers."""
    try:
        plain = expressed(_without_numpy(value))
    except UnknownError as what:
        raise UserError(f"{name} is {what}, which no import path names: define it in a module, and give that") from what
    return plain if isinstance(plain, str) else json.dumps(plain)


def _without_numpy(value: Any) -> Any:
    """Return a value with Python's numbers in place of NumPy's, within lists and mappings too."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _without_numpy(one) for name, one in value.items()}
    return [_without_numpy(one) for one in value] if type(value) in {list, tuple} else value
