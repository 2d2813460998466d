"""The wiring: one command line over network, data and pruning, one folder a run."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from inspect import signature
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import ArgumentParser, Namespace
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from torch import nn

from sdd.callbacks import (
    AccuracyMeasures,
    CurveRecorder,
    FlatnessMeasures,
    IterativePruning,
    JobProgress,
    LearningDistance,
    RunCheckpoint,
)
from sdd.cli.preflight import check_fit
from sdd.console import quieten_lightning, say
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.messages import plain_words
from sdd.module import Classifier
from sdd.pruning.retraining import RETRAININGS
from sdd.runs.environment import environment
from sdd.runs.folder import BusyRunError, RunFolder, settings_of
from sdd.runs.plan import Plan
from sdd.runs.planned_epochs import planned_epochs
from sdd.runs.prerequisites import AUTO, TICKETS, Prerequisite, dense_config, tickets_config
from sdd.tracking.loggers import RunLoggers, mark_preempting
from sdd.tracking.wandb_run import agent_arguments, in_wandb_sweep

_DECIDE_EPOCHS = [name for name in signature(planned_epochs).parameters if name != "seed"]


class FinishedRun(Exception):  # noqa: N818 - not an error
    """The run was finished before; there is nothing to do."""


class _Busy(Exception):  # noqa: N818 - not an error
    """Another process works in the run's folder, or has done so meanwhile: wait for it and look again."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(f"{folder.path} is being worked on by another process; waiting for it")
        self.folder = folder


class _Planned(Exception):  # noqa: N818 - not an error
    """Everything that a plan needs is known."""


def run_experiment(arguments: list[str]) -> int:
    """Run `fit`, `test` or `validate`, and return the exit status.

    Args:
        arguments: The command line after the program's name.

    Raises:
        UserError: Something in it, or in what it names, is wrong.
    """
    quieten_lightning()
    if in_wandb_sweep():
        arguments = agent_arguments(arguments)
    while True:
        try:
            SddCLI(arguments)
        except FinishedRun as finished:
            sys.stdout.write(f"{finished}\n")
        except _Busy as busy:
            say(str(busy))
            busy.folder.wait_until_free()
            continue
        return 0


def plan(arguments: list[str]) -> Plan:
    """Read and check a command line of `fit`, its configuration files included, without network or data.

    Args:
        arguments: As on the command line, `fit` first.

    Raises:
        UserError: A setting is unknown or not allowed.
    """
    planned: list[Plan] = []

    class Planner(SddCLI):
        def _claim_folder(self, config: Namespace) -> None:
            own_masks = TICKETS if config.pruning.masks_from == AUTO else {}
            IterativePruning(**config.pruning.as_dict() | own_masks)
            NoisyLabelData(**config.data.as_dict())
            planned.append(self.plan)
            raise _Planned

    with suppress(_Planned):
        Planner(arguments)
    return planned[0]


class Parser(LightningArgumentParser):
    """A parser whose errors are one line each."""

    def error(self, message: str, ex: Exception | None = None) -> Any:
        """Raise a UserError instead of printing the whole usage."""
        raise UserError(plain_words(message)) from ex


class SddCLI(LightningCLI):
    """`fit`, `validate` and `test` of an experiment."""

    def __init__(self, args: list[str] | None = None) -> None:
        self._resources = ExitStack()
        self._checkpoint: Path | None = None
        self._checkpoints: list[Path] = []
        self._started_with: dict[str, Any] = {}
        self._arguments = sys.argv[1:] if args is None else args
        with self._resources:
            super().__init__(
                Classifier,
                NoisyLabelData,
                save_config_callback=None,
                seed_everything_default=0,
                auto_configure_optimizers=False,
                trainer_defaults={
                    "logger": False,
                    "enable_checkpointing": True,
                    "enable_model_summary": False,
                    "enable_progress_bar": False,
                    "num_sanity_val_steps": 0,
                    "callbacks": [AccuracyMeasures()],
                },
                args=args,
            )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """The commands that take a configuration."""
        skipped = {"model", "train_dataloaders", "val_dataloaders", "dataloaders", "datamodule"}
        return dict.fromkeys(("fit", "validate", "test"), skipped)

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Make a parser with one-line errors."""
        parser = Parser(**kwargs)
        parser.add_argument("-c", "--config", action="config", help="Path to a configuration file in YAML.")
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what is ours, flat, and link what must agree."""
        parser.add_argument(
            "--run_dir",
            type=str | None,
            default=None,
            help="Folder of the run. Default: runs/<config>-s<seed>-<8 hex digits of the settings>.",
        )
        parser.add_argument(
            "--wait",
            type=bool | None,
            default=None,
            help="Wait while another process works in the run's folder, instead of refusing. Default: only in a sweep "
            "of W&B.",
        )
        parser.add_argument(
            "--threads",
            type=int | None,
            default=None,
            help="CPU threads of one operation. Small networks gain nothing from a second one. Default: all cores.",
        )
        parser.add_lightning_class_args(IterativePruning, "pruning")
        parser.add_lightning_class_args(LearningDistance, "distance")
        parser.add_lightning_class_args(FlatnessMeasures, "flatness")
        parser.add_lightning_class_args(CurveRecorder, "curve")
        parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
        parser.add_lightning_class_args(JobProgress, "progress")
        for target in ("model.seed", "data.seed", "pruning.seed", "flatness.seed"):
            parser.link_arguments("seed_everything", target)
        parser.link_arguments(
            (*(f"pruning.{name}" for name in _DECIDE_EPOCHS), "seed_everything"),
            "trainer.max_epochs",
            compute_fn=planned_epochs,
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and refuse a seed that does not say which run this is."""
        super().parse_arguments(parser, args)
        seed = self.config[self.config.subcommand].seed_everything
        if isinstance(seed, bool) or seed < 0:
            raise UserError(
                f"seed_everything is {seed}; it must be a whole number from 0, so that a run can be repeated"
            )

    def before_instantiate_classes(self) -> None:
        """Find the run's folder before anything costly happens."""
        assert self.subcommand is not None
        config = self.config[self.subcommand]
        if config.threads is not None and config.threads < 1:
            raise UserError(f"threads is {config.threads}; it must be at least 1")
        if config.trainer.default_root_dir is not None:
            raise UserError("trainer.default_root_dir is the run's folder: set --run_dir instead")
        mode = RETRAININGS.get(config.pruning.retrain, config.pruning.retrain_args)
        if config.pruning.masks_from == AUTO and not mode.other_masks:
            config.pruning.masks_from = None  # this is the run whose masks others take
        self._config_text = self._parser(self.subcommand).dump(config, skip_unset=False, skip_link_targets=True)
        self.plan = Plan(_config_name(config), config.seed_everything, settings_of(yaml.safe_load(self._config_text)))
        run_dir = config.run_dir or self.plan.run_dir()
        self.folder = RunFolder(run_dir)
        self._waits = in_wandb_sweep() if config.wait is None else config.wait
        config.trainer.default_root_dir = str(run_dir)
        if self.subcommand == "fit":
            self._claim_folder(config)
            return
        if config.pruning.masks_from == AUTO:
            config.pruning.update(TICKETS)  # nothing is pruned
        if config.ckpt_path is None:
            newest, _ = self.folder.newest_checkpoint()
            if newest is None:
                raise UserError(
                    f"there is no trained network in {self.folder.path}: run fit first, or set --ckpt_path to a "
                    "checkpoint, such as levels/level-000.ckpt of a run"
                )
            self._checkpoint = newest
        elif not Path(config.ckpt_path).is_file():
            raise UserError(f"no checkpoint {config.ckpt_path}")

    def _claim_folder(self, config: Namespace) -> None:
        if config.ckpt_path is not None:
            raise UserError("fit finds its own checkpoint in the run's folder; ckpt_path is for test and validate")
        self.folder.check_settings(self.plan.settings)
        self._started_with = self.folder.environment()
        self._loggers = RunLoggers(
            config, self._config_text, self.plan, self.folder, self._arguments, self._started_with
        )
        if self.folder.finished:
            if _is_first_process():
                self._loggers.publish()
            raise FinishedRun(f"{self.folder.path} is finished: see {self.folder.picture} and {self.folder.curve}")
        if self.folder.path.is_dir() and _is_first_process():
            with self._own_folder():
                pass  # said before anything costly happens; it is held from the start of the training
        threads = config.threads or self._started_with.get("threads")
        if threads is not None:
            torch.set_num_threads(threads)
        self._checkpoints = self.folder.checkpoints()
        self._checkpoint, damaged = self.folder.newest_checkpoint()
        for path in damaged:
            say(f"{path} is damaged; the checkpoint before it is used")
        try:
            self._train_sources(config)
        except KeyboardInterrupt:
            if in_wandb_sweep():
                self._loggers.mark_preempting_before_start()
            raise

    @contextmanager
    def _own_folder(self) -> Iterator[None]:
        try:
            with self.folder.owned():
                yield
        except BusyRunError as busy:
            if not self._waits:
                raise
            raise _Busy(self.folder) from busy

    def _train_sources(self, config: Namespace) -> None:
        """Train what this run builds on, where it is not there yet."""
        nested, name = yaml.safe_load(self._config_text), self.plan.config_name
        if config.pruning.masks_from == AUTO:
            tickets = Prerequisite("pruning.masks_from", AUTO, tickets_config(nested), name, self.folder.path, plan)
            tickets.train()
            config.pruning.masks_from = str(tickets.folder.path)
        if config.pruning.dense_from is not None and self._checkpoint is None:
            named = config.pruning.dense_from
            dense = Prerequisite(
                "pruning.dense_from", named, dense_config(nested), f"{name}-dense", self.folder.path, plan
            )
            dense.train()
            self._checkpoint, _ = dense.folder.newest_checkpoint()
            if self._checkpoint is None:
                raise UserError(f"pruning.dense_from: {dense.folder.path} has no checkpoint to go on from; remove it")
            level = dense.folder.level_checkpoint(0)
            if config.checkpoint.keep_levels and level.is_file():
                write_atomically(self.folder.level_checkpoint(0), level.read_bytes())

    def instantiate_classes(self) -> None:
        """Build everything, then try what can fail before any training."""
        super().instantiate_classes()
        assert self.subcommand is not None
        model, data = self.model, self.datamodule
        assert isinstance(model, Classifier)
        assert isinstance(data, NoisyLabelData)
        model.draw_from(_builder(self.config[self.subcommand].model.net))
        pruning: IterativePruning = self.config_init[self.subcommand].pruning
        pruning.check(model)
        data.load()
        if self.subcommand == "validate":
            data.split("val")
        check_fit(model, data)
        if self.subcommand == "fit":
            pruning.check_steps(len(data.train_dataloader()), self.trainer.accumulate_grad_batches)

    def fit(self, model: Classifier, datamodule: NoisyLabelData, **kwargs: Any) -> None:
        """Start or go on."""
        if _is_first_process():
            self._resources.enter_context(self._own_folder())
            if self.folder.finished or self.folder.checkpoints() != self._checkpoints:
                raise _Busy(self.folder)
            self.folder.write_config(self._config_text, self.plan.settings)
            self._note_environment()
            self._loggers.set_aside_offline()
            if self._checkpoint is not None:
                say(f"{self.folder.path}: going on from {self._checkpoint.name}")
        for logger in self.trainer.loggers:
            self._loggers.start(logger)
        kwargs["ckpt_path"] = self._checkpoint
        try:
            self.trainer.fit(model, datamodule=datamodule, **kwargs)
        except SystemExit as stop:
            # Lightning ends the process like this on Ctrl-C and SIGTERM, once everything is put away.
            if not self.trainer.interrupted:
                raise
            if in_wandb_sweep():
                mark_preempting(self.trainer.loggers)
            raise KeyboardInterrupt from stop

    def _note_environment(self) -> None:
        now = environment()
        if self._started_with:
            changed = [
                f"{name} {self._started_with[name]} is now {value}"
                for name, value in now.items()
                if self._started_with.get(name, value) != value
            ]
            if changed:
                say(f"{self.folder.path} was started elsewhere ({', '.join(changed)}): the last bits may differ")
        self.folder.write_environment(now | self._started_with | self._loggers.note())

    def test(self, model: Classifier, datamodule: NoisyLabelData, **kwargs: Any) -> None:
        """Test the run's newest checkpoint, or the one that was asked for."""
        kwargs["ckpt_path"] = kwargs.get("ckpt_path") or self._checkpoint
        say(f"testing {kwargs['ckpt_path']}")
        self.trainer.test(model, datamodule=datamodule, **kwargs)

    def validate(self, model: Classifier, datamodule: NoisyLabelData, **kwargs: Any) -> None:
        """Validate the run's newest checkpoint, or the one that was asked for."""
        kwargs["ckpt_path"] = kwargs.get("ckpt_path") or self._checkpoint
        say(f"validating {kwargs['ckpt_path']}")
        self.trainer.validate(model, datamodule=datamodule, **kwargs)


def _is_first_process() -> bool:
    """Tell whether this is the process that the user started, not one that a strategy started for another device."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def _builder(net: Namespace) -> Callable[[], nn.Module]:
    """Return a function that builds the configured network anew, with fresh weights."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--net", type=nn.Module)
    config = parser.parse_object({"net": net.as_dict()})

    def build() -> nn.Module:
        built: nn.Module = parser.instantiate(config).net
        return built

    return build


def _config_name(config: Namespace) -> str:
    paths = config.get("config") or []
    return Path(str(paths[-1])).stem if paths else str(config.data.dataset)
