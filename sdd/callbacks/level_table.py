"""A callback that leaves a table of its own in the run's folder, beside the curve."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import lightning.pytorch as pl

from sdd.callbacks.level import Level, LevelCallback
from sdd.errors import UserError
from sdd.files import write_table
from sdd.module import Classifier
from sdd.runs.folder import RunFolder


def check_levels(setting: str, levels: Iterable[int], last_level: int) -> None:
    """Find out whether a run has all levels that are to be measured; a dense network alone is asked for none.

    Args:
        setting: That names them.
        levels: Their numbers.
        last_level: Number of the run's last level.

    Raises:
        UserError: It has not.
    """
    last = max(levels, default=0)
    if last > last_level > 0:
        raise UserError(f"{setting} names level {last}, but the run's last level is {last_level}")


class LevelTable(LevelCallback):
    """Writes the rows that a subclass adds to `table` after each level; a run that is gone on with keeps them.

    Attributes:
        file: Name of the file.
        table: All rows so far.
    """

    file: ClassVar[str]

    def __init__(self) -> None:
        self.table: list[dict[str, float | int]] = []

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Write the table so far."""
        if trainer.is_global_zero:
            self.write(trainer)

    def write(self, trainer: pl.Trainer) -> None:
        """Write the table, by level, if it has a row."""
        if self.table:
            self.table.sort(key=lambda row: row["level"])
            write_table(RunFolder(trainer.default_root_dir).path / self.file, self.table)

    def state_dict(self) -> dict[str, Any]:
        """Return the table so far."""
        return {"table": self.table}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the table of a run that was left."""
        self.table = state_dict["table"]
