"""A run's loggers: named and grouped before they start, told what the run is, and given finished runs."""

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from lightning.pytorch.loggers import Logger, MLFlowLogger, WandbLogger

from sdd.analysis.columns import read_columns
from sdd.analysis.curve import read_curve
from sdd.analysis.summary import summarise
from sdd.console import say
from sdd.errors import UserError
from sdd.failures import failure
from sdd.messages import one_line
from sdd.runs.config_text import plain
from sdd.runs.folder import RunFolder
from sdd.runs.plan import Plan
from sdd.tracking import mlflow_run
from sdd.tracking.curve_log import CurveLog
from sdd.tracking.sweep_agent import given_back_when_preempted, in_wandb_sweep, swept_values
from sdd.tracking.wandb_run import group_name, run_name, tags

OWN_FOLDER = "."
"""A logger's `save_dir` that stands for the run's folder, as null does."""

_PACKAGES = {
    "WandbLogger": ("wandb",),
    "TensorBoardLogger": ("tensorboard", "tensorboardX"),
    "MLFlowLogger": ("mlflow",),
}
"""What a logger needs: one of these, the first of which is the one to install."""

_FINISH_SECONDS = "600"
"""How long W&B's client may take at most to deliver the rest when a run has ended; by itself it may take hours."""

_NO_ANSWER = re.compile(r"giving up after|timed? ?out|retrying|invalid character|connection|\bEOF\b", re.IGNORECASE)
"""In the client's words: the server was not reached, failed each time, or something else answered in its place."""


class RunLoggers:
    """The loggers that a configuration names.

    Args:
        config: The run's; what it leaves open of a logger is filled in.
        text: The same as the user gave it, in YAML.
        plan: What the command line asks for.
        folder: The run's.
        arguments: The command line.
    """

    def __init__(
        self,
        config: Namespace,
        text: str,
        plan: Plan,
        folder: RunFolder,
        arguments: Sequence[str],
    ) -> None:
        self._config, self._text, self._plan, self._folder = config, text, plan, folder
        self._started_with = folder.environment()
        self._wandb_id: str | None = None
        self._wandb_started: list[Logger] = []
        for logger in self._configured():
            check_installed(str(getattr(logger, "class_path", "")).rpartition(".")[2])
            settings = getattr(logger, "init_args", None)
            if settings is None or "save_dir" not in settings:
                continue
            if settings.save_dir in {None, OWN_FOLDER}:
                settings.save_dir = str(folder.path)
            if _is_wandb(logger):
                self._settle_wandb(settings, arguments)
            if str(logger.class_path).endswith("MLFlowLogger"):
                mlflow_run.settle(settings, folder)

    def note(self) -> dict[str, str]:
        """Return what the run's environment is to remember of its loggers."""
        return {} if self._wandb_id is None else {"wandb_id": self._wandb_id}

    def set_aside_offline(self) -> None:
        """Rename what W&B's client has stored of earlier starts: this one stores every row again.

        `wandb sync` of all folders named offline-run-* then sends each row once, and does not end at a torn file.
        """
        for logger in self._wandb_configured():
            stored = Path(logger.init_args.save_dir) / "wandb"
            for earlier in sorted(stored.glob(f"offline-run-*-{self._wandb_id}")):
                earlier.rename(earlier.with_name(f"replaced-{earlier.name}"))

    def start(self, logger: Logger) -> None:
        """Log the configuration, which makes a logger start, and W&B's look for its server.

        Where that server cannot be reached, or fails, the run goes on without it.

        Raises:
            UserError: The logger refuses, or W&B's server does: key, entity or project are wrong.
        """
        if isinstance(logger, WandbLogger):
            self._wandb_started.append(logger)
            if not logger._log_model:
                os.environ.setdefault("WANDB_FINISH_TIMEOUT", _FINISH_SECONDS)
        settings = plain(self._text)
        try:
            if isinstance(logger, MLFlowLogger):
                mlflow_run.begin(logger)
            logger.log_hyperparams(settings)
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "wandb":
                told = failure(f"trainer.logger {type(logger).__name__}, as it was started,", error)
                if told is error:
                    raise
                raise told from error
            why = f"W&B: {one_line(str(error))}"
            assert isinstance(logger, WandbLogger)
            if refused(error):
                raise UserError(
                    f"{why}; set what it refuses right (wandb login, trainer.logger.entity, trainer.logger.project), "
                    "or set WANDB_MODE=offline to do without its server"
                ) from error
            if logger._log_model:
                raise UserError(f"{why}; trainer.logger.log_model needs its server") from error
            import wandb

            wandb.teardown()  # else the client's service holds on to the run that could not be started
            logger._wandb_init["mode"] = "offline"
            logger.log_hyperparams(settings)
            stored = Path(logger.experiment.dir).parent
            say(f"sdd: {why}; the run goes on without it, to be sent later by: wandb sync {stored}", error=True)

    def publish(self) -> None:
        """Send a finished run to a W&B run that may lack it: in a sweep, or where none is known to have it."""
        if not in_wandb_sweep() and self._wandb_id in {None, self._started_with.get("wandb_id")}:
            return
        rows = read_curve(self._folder.curve)
        self.set_aside_offline()
        for logger in self._wandb_loggers():
            self.start(logger)
            log = CurveLog(logger)
            for row in rows:
                log.send(row)
            log.finish(self._folder, rows, summarise(rows, read_columns(self._folder.path)))
            logger.finalize("success")
        self._folder.write_environment({**self._started_with, **self.note()})

    def given_back(self, *, owned: bool = False) -> AbstractContextManager[None]:
        """In a sweep, give the run back to it where it is pre-empted before its end.

        Args:
            owned: This process is to write in the run's folder; else it waits for another one that does.
        """
        return given_back_when_preempted(lambda: self._to_be_told(owned=owned), self._config.requeue)

    def _to_be_told(self, *, owned: bool) -> list[Logger]:
        """Return W&B's loggers, built here where the training has not come to it; none once the run is finished."""
        if self._folder.finished:
            return []
        if self._wandb_started:
            return self._wandb_started
        if owned:  # they write there
            self._folder.write_config(self._text, self._plan.settings)
        return self._wandb_loggers()

    def _settle_wandb(self, settings: Namespace, arguments: Sequence[str]) -> None:
        """Name the run, group it, tag it, and let a resumed one go on under its id."""
        plan, pruning = self._plan, self._config.pruning
        swept = swept_values(arguments, plan.settings.values) if in_wandb_sweep() else {}
        one_shot = pruning.dense_from is not None and len(pruning.sparsities or []) == 1
        settings.name = settings.name or (run_name(plan.config_name, swept) if swept else self._folder.path.name)
        if "WANDB_RUN_GROUP" not in os.environ:
            settings.group = settings.group or group_name(
                plan.config_name, plan.settings.chosen, swept, one_shot=one_shot
            )
        if "WANDB_TAGS" not in os.environ:
            settings.tags = settings.tags or tags(plan.settings.values)
        # A sweep agent names the run by this variable.
        chosen = settings.id or settings.version or os.environ.get("WANDB_RUN_ID")
        self._wandb_id = chosen or self._started_with.get("wandb_id") or secrets.token_hex(4)
        settings.resume = settings.resume or "allow"
        if settings.version is None:
            settings.id = self._wandb_id

    def _configured(self) -> list[Any]:
        """Return the configured loggers; one may be a plain true or false."""
        loggers = self._config.trainer.logger
        return loggers if isinstance(loggers, list) else [loggers]

    def _wandb_configured(self) -> list[Any]:
        return [logger for logger in self._configured() if _is_wandb(logger)]

    def _wandb_loggers(self) -> list[Logger]:
        """Build W&B's among the loggers; Lightning builds its own later."""
        parser = ArgumentParser(exit_on_error=False)
        parser.add_argument("--logger", type=Logger)
        return [
            parser.instantiate(parser.parse_object({"logger": logger.as_dict()})).logger
            for logger in self._wandb_configured()
        ]


def check_installed(logger: str) -> None:
    """Find out whether a logger's package is there.

    Args:
        logger: Name of its class; of those that are not Lightning's nothing is known.

    Raises:
        UserError: It is not.
    """
    packages = _PACKAGES.get(logger, ())
    if packages and all(find_spec(package) is None for package in packages):
        name = packages[0]
        raise UserError(f"trainer.logger is {logger}, but {name} is not installed: pip install {name}, or leave it out")


def refused(error: Exception) -> bool:
    """Tell whether W&B refuses what it is given; else its server is not there, fails or takes too long.

    Args:
        error: Of `wandb`, raised when a run was started.
    """
    from wandb.errors import AuthenticationError, CommError, UsageError

    if isinstance(error, UsageError | AuthenticationError):
        return True
    # What a server answers on purpose (no such key, no permission) and what it does not may both be a CommError.
    return isinstance(error, CommError) and not _NO_ANSWER.search(str(error))


def _is_wandb(logger: Any) -> bool:
    return str(getattr(logger, "class_path", "")).endswith("WandbLogger")
