"""The curve: one row a level, on disk, on the screen, and in whatever logger is configured."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import lightning.pytorch as pl
from tqdm import tqdm

from sdd.analysis.columns import columns_from, gone_on_with, write_columns
from sdd.analysis.curve import Row, curve_text, renamed, with_remaining_fraction
from sdd.analysis.phases import phases_of
from sdd.analysis.plots import draw_curve
from sdd.analysis.report_text import header, row_line, summary
from sdd.analysis.summary import summarise
from sdd.callbacks.level import Level, LevelCallback, level_callbacks
from sdd.callbacks.level_table import LevelTable
from sdd.files import settle_checksums, write_checked
from sdd.measures.columns import LEVEL_COLUMNS, Column, describe
from sdd.module import Classifier
from sdd.pruning.masks import count_prunable
from sdd.pruning.prunable import LeftOut, left_out, left_out_record, left_out_text
from sdd.runs.folder import RunFolder
from sdd.runs.origin import ORIGIN, origin_of
from sdd.tracking.curve_log import CurveLog


class CurveRecorder(LevelCallback):
    """Writes `curve.csv`, `columns.json` and `curve.png` after each level, and `summary.json` at the end.

    Args:
        redraw_seconds: Draw `curve.png` at most this often while levels are quicker; it is always drawn at the end, and
            where the run is stopped before.
    """

    SECTION = "curve"
    PLACE: ClassVar[frozenset[str]] = frozenset({"redraw_seconds"})

    def __init__(self, redraw_seconds: float = 20.0) -> None:
        self.redraw_seconds = redraw_seconds
        self._rows: list[Row] = []
        self._columns: dict[str, Column] = {}
        self._complete = False
        self._clock = time.monotonic()
        self._seconds_before = 0.0
        self._drawn = time.monotonic()
        self._pictured = 0
        self._steps: list[int] = []
        self._logs: list[CurveLog] = []
        self._added: dict[int, list[str]] = {}
        self._origin: dict[str, Any] | None = None

    @property
    def rows(self) -> list[Row]:
        """The rows of the levels that are done."""
        return self._rows

    def columns(self) -> Sequence[Column]:
        """Return those of the level itself."""
        return LEVEL_COLUMNS

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Have every checkpoint say which run wrote it, those of a user's ModelCheckpoint too."""
        if self._origin is not None:
            checkpoint[ORIGIN] = self._origin

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print what is never pruned, the table's head, and the rows that a resumed run has already.

        Loggers get what they lack of these.

        Raises:
            UserError: No levels are trained, or a measure of a resumed run would be taken otherwise than at the levels
                so far.
        """
        super().on_fit_start(trainer, pl_module)
        self._clock = self._drawn = time.monotonic()
        measured = [name for row in self._rows for name in row]
        declared = {column.name: column for callback in level_callbacks(trainer) for column in callback.columns()}
        begun = [table for table in level_callbacks(trainer) if isinstance(table, LevelTable) and table.table]
        tabled = [column.name for table in begun for column in table.columns()]  # of a level that has no row yet
        self._columns = gone_on_with(declared, self._columns, [*measured, *tabled])
        if not trainer.is_global_zero:
            return
        folder = RunFolder(trainer.default_root_dir)
        self._origin = origin_of(folder)
        self._describe(folder, measured)
        self._logs = [CurveLog(logger) for logger in trainer.loggers]
        text = left_out_text(*_left_out(pl_module))
        if text:
            tqdm.write(text)
        tqdm.write(header())
        for row, step in zip(self._rows, self._steps, strict=True):
            tqdm.write(row_line(row))
            for log in self._logs:
                log.send(row, step, added=self._added.get(int(row["level"]), ()))

    def add_measures(self, level: int, measures: Mapping[str, float]) -> None:
        """Add measures of a level that is done to its row.

        Args:
            level: Its number.
            measures: By name; those that the row has already stay as they are.
        """
        index = next(place for place, row in enumerate(self._rows) if row["level"] == level)
        row = dict(self._rows[index])
        seconds = row.pop("seconds")
        self._added[level] = [name for name in measures if name not in row]
        self._rows[index] = row | {name: measures[name] for name in self._added[level]}
        self._rows[index]["seconds"] = seconds

    def on_level_start(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> None:
        """Start the level's clock."""
        self._clock, self._seconds_before = time.monotonic(), 0.0
        self._complete = False

    def on_level_epoch_end(self, trainer: pl.Trainer, pl_module: Classifier, level: Level, epoch: int) -> None:
        """Find out whether the folder is still there, so that no level is trained for nothing."""
        RunFolder(trainer.default_root_dir).check_there()

    def on_level_end(
        self, trainer: pl.Trainer, pl_module: Classifier, level: Level, measures: Mapping[str, float]
    ) -> None:
        """Add the level's row."""
        row: Row = {
            "level": level.level,
            "sparsity": level.sparsity,
            "remaining": level.remaining,
            "remaining_fraction": level.remaining_fraction,
            **measures,
            "seconds": self._seconds(),
        }
        self._rows, self._steps = [*self._rows, row], [*self._steps, trainer.global_step]
        self._complete = level.last
        if not trainer.is_global_zero:
            return
        folder = RunFolder(trainer.default_root_dir)
        write_checked(folder.curve, curve_text(self._rows))
        if not row.keys() <= self._columns.keys():
            self._describe(folder, row)
        tqdm.write(row_line(row))
        for log in self._logs:
            log.send(row, trainer.global_step)
        if not level.last and time.monotonic() - self._drawn >= self.redraw_seconds:
            self._draw(folder)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge the whole curve; of one that is stopped on the way, draw what there is."""
        if not self._complete:
            self._draw_what_is_new(trainer)
        if not trainer.is_global_zero or not self._complete:
            return
        folder = RunFolder(trainer.default_root_dir)
        write_checked(folder.curve, curve_text(self._rows))
        self._draw(folder)
        warnings = [line for callback in level_callbacks(trainer) for line in callback.warnings()]
        verdict = summarise(self._rows, self._columns) | {
            "not_pruned": left_out_record(*_left_out(pl_module)),
            "warnings": warnings,
        }
        tqdm.write("\n".join(["", summary(self._rows, verdict), *(f"warning: {line}" for line in warnings), ""]))
        for path in (folder.curve, folder.picture, folder.summary, folder.config):
            tqdm.write(f"  {path}")
        for log in self._logs:
            log.finish(folder, self._rows, verdict)
        settle_checksums(folder.path)
        write_checked(folder.summary, json.dumps(verdict, indent=1) + "\n")

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Draw what there is where the process is asked to end; an error is not to be hidden by another."""
        if not isinstance(exception, Exception):
            self._draw_what_is_new(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, what is known of their columns, and the seconds spent on a level that is not done."""
        return {
            "rows": self._rows,
            "columns": [column.as_dict() for column in self._columns.values()],
            "steps": self._steps,
            "complete": self._complete,
            "seconds": self._seconds(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the rows of a run that was left."""
        earlier = [renamed(row) for row in state_dict["rows"]]
        self._rows, self._steps = with_remaining_fraction(earlier), state_dict["steps"]
        for before, row in zip(earlier, self._rows, strict=True):  # loggers have not got what an earlier version lacks
            if added := [name for name in row if name not in before]:
                self._added[int(row["level"])] = added
        self._columns = columns_from(state_dict["columns"])
        self._complete = state_dict["complete"]
        self._seconds_before = state_dict["seconds"]

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._clock

    def _describe(self, folder: RunFolder, names: Iterable[str]) -> None:
        """Write what is known of the columns, those among them that no measure has declared by their name."""
        self._columns |= {name: describe(name, self._columns) for name in names}
        write_columns(folder.path, self._columns.values())

    def _draw_what_is_new(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero and len(self._rows) > self._pictured:
            self._draw(RunFolder(trainer.default_root_dir))

    def _draw(self, folder: RunFolder) -> None:
        title, phases = folder.path.name, phases_of(self._rows)
        draw_curve(self._rows, phases, folder.picture, title=title, columns=self._columns)
        self._drawn, self._pictured = time.monotonic(), len(self._rows)


def _left_out(module: pl.LightningModule) -> tuple[list[LeftOut], int]:
    """Return the weights that are never pruned, and the count of those that are."""
    assert isinstance(module, Classifier)
    masks = module.masks
    return left_out(module.net, masks), count_prunable(masks)
