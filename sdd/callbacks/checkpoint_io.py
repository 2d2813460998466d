"""Lightning's reading and writing of checkpoint files, in the way of all files of a run."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.plugins.io import TorchCheckpointIO

from sdd.runs.checkpoint_file import check_content, read_checkpoint, write_checkpoint


class CheckedCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints where they are to be, to last, and reads none that is damaged.

    Lightning's own builds them in the folder for temporary files, does not wait for the disk, and reads what is there.
    A path with a protocol, such as `s3://`, is left to it.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint; called on the first process alone."""
        if _is_elsewhere(path) or storage_options is not None:
            super().save_checkpoint(checkpoint, path, storage_options)
        else:
            write_checkpoint(Path(path), checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint.

        Raises:
            UserError: It is missing, damaged or something else.
        """
        if _is_elsewhere(path) or weights_only is False:
            return super().load_checkpoint(path, map_location, weights_only)
        content: dict[str, Any] = read_checkpoint(Path(path), map_location)
        check_content(Path(path), content)
        return content


def use_checked_files(trainer: pl.Trainer) -> None:
    """Let a Trainer read and write checkpoints in the way of all files of a run, unless it has a way of its own."""
    if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
        trainer.strategy.checkpoint_io = CheckedCheckpointIO()


def _is_elsewhere(path: Any) -> bool:
    return "://" in str(path)
