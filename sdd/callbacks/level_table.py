"""A callback that leaves a table of its own in the run's folder, beside the curve."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import lightning.pytorch as pl

from sdd.callbacks.level import Level, LevelCallback
from sdd.errors import UserError
from sdd.files import table_text, write_checked
from sdd.module import Classifier
from sdd.runs.folder import RunFolder


class LevelTable(LevelCallback):
    """Writes the rows that a subclass adds to `table` after each level; a run that is gone on with keeps them.

    Attributes:
        file: Name of the file.
        table: All rows so far.
    """

    file: ClassVar[str]

    def __init__(self) -> None:
        self.table: list[dict[str, float | int]] = []

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the table of a run that is gone on with, which may be damaged or not there."""
        super().on_fit_start(trainer, pl_module)
        if trainer.is_global_zero:
            self.write(trainer)

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Write the table so far."""
        if trainer.is_global_zero:
            self.write(trainer)

    def check_taken(self, setting: str, level: int, epochs: Iterable[int]) -> None:
        """Find out whether the table has a level's epochs.

        Args:
            setting: That asks for them.
            level: Its number.
            epochs: That are to be there.

        Raises:
            UserError: It lacks some.
        """
        lacking = {*epochs} - {row["epoch"] for row in self.table if row["level"] == level}
        if lacking:
            raise UserError(
                f"{setting} measures a level while it is trained, and level {level} was begun without it, in epoch "
                f"{min(lacking)}: leave it as it was, or choose another --run_dir"
            )

    def write(self, trainer: pl.Trainer) -> None:
        """Write the table, by level, if it has a row."""
        write_by_level(trainer, self.file, self.table)

    def state_dict(self) -> dict[str, Any]:
        """Return the table so far."""
        return {"table": self.table}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the table of a run that was left."""
        self.table = state_dict["table"]


def with_level(
    table: Iterable[dict[str, float | int]], level: int, rows: Iterable[dict[str, float | int]]
) -> list[dict[str, float | int]]:
    """Return a table in which these are the rows of a level, which may have been measured before."""
    return [*(row for row in table if row["level"] != level), *rows]


def write_by_level(trainer: pl.Trainer, file: str, table: list[dict[str, float | int]]) -> None:
    """Write a table into the run's folder, its rows sorted by level in place, if it has one."""
    if table:
        table.sort(key=lambda row: row["level"])
        write_checked(RunFolder(trainer.default_root_dir).path / file, table_text(table))
