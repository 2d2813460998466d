"""A module that is made of files: the state of a level or checkpoint, and the configuration it was trained with."""

from collections.abc import Collection, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn

from sdd.configured import made
from sdd.errors import UserError
from sdd.failures import failure, naming
from sdd.pruning.masks import parameter_name
from sdd.pruning.packing import MASKS, NET, unpack_checkpoint
from sdd.yaml_files import read_yaml

_MADE = {"net": nn.Module, "optimizer": OptimizerCallable, "lr_scheduler": LRSchedulerCallable | None}
"""Arguments that a configuration names by their class."""


Own = TypeVar("Own", bound="StoredModule")


class StoredModule(pl.LightningModule):
    """A module that can be made of the file of a level, or of a checkpoint."""

    def set_masks(self, masks: Mapping[str, Tensor]) -> None:
        """Replace the masks, bool [...] by parameter name."""
        raise NotImplementedError

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load the state of a checkpoint, tensors [...] by name.

        Raises:
            UserError: It is of another network.
        """
        try:
            return super().load_state_dict(state_dict, strict=strict, assign=assign)
        except RuntimeError as error:
            raise _of_another_network(error) from error

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]  # Lightning's is no plain class method
        cls: type[Own],
        checkpoint_path: str | PathLike[str],
        map_location: Any = "cpu",
        hparams_file: str | PathLike[str] | None = None,
        strict: bool | None = None,
        weights_only: bool | None = None,
        **changed: Any,
    ) -> Own:
        """Make the module of a trained level, or of a checkpoint, with the masks and weights of the file.

        Args:
            checkpoint_path: Such as `levels/level-012.ckpt` of a run.
            map_location: As of `torch.load`.
            hparams_file: The run's `config.yaml`; None: that of the run in whose folder the file lies.
            strict: Whether the weights must be those of the network, as they must unless it is false.
            weights_only: Not used: nothing else is ever read.
            **changed: Arguments of the constructor that are others than in the configuration, such as `net`.

        Raises:
            UserError: The file holds no weights, or they are of another network; or the configuration is not there.
        """
        path = Path(checkpoint_path)
        state = _state_of(path, map_location)
        config = path.absolute().parents[1] / "config.yaml" if hparams_file is None else Path(hparams_file)
        module = cls(**(_configured(config, changed.keys()) | changed))
        module.set_masks(_masks_of(state))
        module.load_state_dict(state, strict=strict is not False)
        return module


def _state_of(path: Path, map_location: Any) -> dict[str, Tensor]:
    """Return the state dict of a stored level or checkpoint, tensors [...] by name.

    Args:
        path: Of the file.
        map_location: As of `torch.load`.

    Raises:
        UserError: It cannot be read, or holds no weights.
    """
    try:
        content = torch.load(path, map_location=map_location, weights_only=True)
        unpack_checkpoint(content)
        state = dict(content["state_dict"])
    except Exception as error:
        raise failure(f"{path}, as it was read,", error) from error
    if not any(name.startswith(NET) for name in state):
        raise UserError(f"{path} holds no weights: give a level that is kept whole (checkpoint.keep_levels true)")
    return state


def _masks_of(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the masks in a state dict, bool [...] by parameter name."""
    return {parameter_name(name.removeprefix(MASKS)): mask for name, mask in state.items() if name.startswith(MASKS)}


def _configured(config: Path, changed: Collection[str]) -> dict[str, Any]:
    """Return the constructor's arguments of a run's module, but for those that are changed.

    Args:
        config: The run's configuration; it need not be there where `net` and `optimizer` are changed.
        changed: Names of arguments.

    Raises:
        UserError: It is no configuration of a run, or what it names cannot be made.
    """
    if {"net", "optimizer"} <= set(changed) and not config.is_file():
        return {}
    held = read_yaml(config)
    try:
        arguments: dict[str, Any] = dict(held["model"]) | {"seed": held["seed_everything"]}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{config} is no configuration of a run: it lacks model or seed_everything") from error
    with naming(f"model, as {config} has it and as it was made,"):
        return {
            name: made(_MADE[name], value) if name in _MADE and value is not None else value
            for name, value in arguments.items()
            if name not in changed
        }


def check_masked_alike(stored: Iterable[str], held: Iterable[str]) -> None:
    """Find out whether a checkpoint has masks of the weights that are pruned now.

    Args:
        stored: Names in its state dict.
        held: Names of the module's mask buffers.

    Raises:
        UserError: It has masks of others.
    """
    theirs = {name.removeprefix(MASKS) for name in stored if name.startswith(MASKS)}
    differing = sorted(theirs ^ set(held))
    if differing:
        raise UserError(
            f"the checkpoint has masks of other weights than are pruned now: {parameter_name(differing[0])} "
            f"{'is not pruned' if differing[0] in theirs else 'has none'}; it is of another network or "
            "pruning.exclude, or of a version of sdd that pruned other weights: choose another --run_dir"
        )


def _of_another_network(error: RuntimeError) -> UserError:
    """Make the error of a checkpoint whose tensors are not those of the network, out of PyTorch's."""
    first = str(error).partition("\n")[2].partition("\n")[0].strip(" .\t") or str(error)
    return UserError(f"the checkpoint is of another network: {first}; set model.net as it was, or choose another one")
