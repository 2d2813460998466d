"""The wiring of an experiment: which settings there are, which class takes them, and which must agree."""

from collections.abc import Sequence
from inspect import signature
from typing import Any, Literal

import lightning.pytorch as pl
from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from sdd.callbacks import (
    AccuracyMeasures,
    ActivationEntropy,
    CalibrationMeasures,
    CurveRecorder,
    FlatnessMeasures,
    IterativePruning,
    JobProgress,
    LearningDistance,
    LevelWarnings,
    RunCheckpoint,
    TrainingDynamics,
)
from sdd.cli.parser import Parser
from sdd.data import NoisyLabelData
from sdd.module import Classifier
from sdd.runs.planned_epochs import planned_epochs
from sdd.tracking.sweep_agent import Requeue

COMMANDS = ("fit", "validate", "test")

CALLBACKS: dict[str, type[pl.Callback]] = {
    str(callback.SECTION): callback
    for callback in (
        IterativePruning,
        LearningDistance,
        FlatnessMeasures,
        TrainingDynamics,
        CalibrationMeasures,
        ActivationEntropy,
        CurveRecorder,
        RunCheckpoint,
        JobProgress,
    )
}
"""The callbacks of every run, by the section of their settings."""

SECTIONS: dict[str, type] = {"trainer": pl.Trainer, "model": Classifier, "data": NoisyLabelData, **CALLBACKS}
"""The class behind each section of a configuration; ours say themselves which of their options decide no numbers."""

_DECIDE_EPOCHS = [name for name in signature(planned_epochs).parameters if name != "seed"]

_SEED = (
    "Decides all random draws of the training, such as initial weights and order of batches; from 0 to 4294967295. "
    "Runs that differ in it alone are one group."
)

_LIMITS = {f"trainer.limit_{part}_batches" for part in ("train", "val", "test", "predict")}

TRAINER = {
    "logger": False,
    "enable_checkpointing": True,
    "enable_model_summary": False,
    "enable_progress_bar": False,
    "num_sanity_val_steps": 0,
}
"""Defaults of the Trainer that are not Lightning's."""

IN_EVERY_RUN: tuple[type[pl.Callback], ...] = (AccuracyMeasures, LevelWarnings)
"""Callbacks without settings, which every run has beside `CALLBACKS`."""

_BUILT: dict[tuple[str, ...], tuple[Any, Any, Any]] = {}
"""Parsers that are built ahead, by the commands that they know: they depend on nothing that a user gives."""


class Wiring(LightningCLI):
    """A command line, parsed; `instantiate` makes what its configuration asks for.

    Args:
        arguments: The command line after the program's name.

    Raises:
        UserError: A setting is unknown, or its value is not allowed.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._asked = [command for command in COMMANDS if command in arguments[:1]] or COMMANDS
        super().__init__(
            Classifier,
            NoisyLabelData,
            save_config_callback=None,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            trainer_defaults=TRAINER,
            args=list(arguments),
            load_from_checkpoint_support=False,  # it writes the configuration anew each time that parts are made
        )

    def setup_parser(
        self, add_subcommands: bool, main_kwargs: dict[str, Any], subparser_kwargs: dict[str, Any]
    ) -> None:
        """Build the parsers, or take those that were built ahead, which serve one command line."""
        built = _BUILT.pop(tuple(self._asked), None)
        if built is None:
            super().setup_parser(add_subcommands, main_kwargs, subparser_kwargs)
        else:
            self.parser, self._subcommand_parsers, self._subcommand_method_arguments = built

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # which are needed depends on the command line
        """The command that is asked for, and what of the Trainer's method is no option of it."""
        skipped = {"model", "train_dataloaders", "val_dataloaders", "dataloaders", "datamodule"}
        return dict.fromkeys(self._asked, skipped)

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Build the parser of a command; its settings are complete then."""
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        assert isinstance(parser, Parser)
        parser.built = True
        return parser

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Make a parser with one-line errors."""
        parser = Parser(**kwargs)
        parser.add_argument("-c", "--config", action="config", help="Path to a configuration file in YAML.")
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what is ours, flat, and link what must agree."""
        actions: list[Any] = parser._actions
        for action in actions:
            if action.dest in _LIMITS:
                # Python's typing may turn the int | float of Lightning's around, and 1 batch is not 1.0 of all.
                action._typehint = int | float | None
            if action.dest == "seed_everything":
                action.help = _SEED
        _add_options(parser)
        for section, callback in CALLBACKS.items():
            parser.add_lightning_class_args(callback, section)
        for target in ("model.seed", "data.seed", "pruning.seed", "flatness.seed"):
            parser.link_arguments("seed_everything", target)
        parser.link_arguments(
            (*(f"pruning.{name}" for name in _DECIDE_EPOCHS), "seed_everything"),
            "trainer.max_epochs",
            compute_fn=planned_epochs,
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, by the command's own parser alone where that gives the same.

        The parser above it, which tells the commands apart, would do all of it once more; but it is the one that reads
        the environment, and that prints a configuration.
        """
        command, printed = self._asked[0], any(one.partition("=")[0] == "--print_config" for one in args)
        if len(self._asked) > 1 or parser.default_env or printed:
            self.config = parser.parse_args(args)
        else:
            settings = self._parser(command).parse_args(args[1:])
            self.config = Namespace({"subcommand": command, command: settings})  # type: ignore[no-untyped-call]

    # Lightning's constructor goes on to read hyperparameters out of a checkpoint, to seed, build and run; here all
    # settings are the configuration's, and each of the others is a step of its own.

    def _parse_ckpt_path(self) -> None:
        """Do nothing."""

    def _set_seed(self) -> None:
        """Do nothing yet."""

    def instantiate_classes(self) -> None:
        """Do nothing yet."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Do nothing yet."""

    @property
    def command(self) -> str:
        """The command that was given."""
        return str(self.subcommand)

    @property
    def command_config(self) -> Namespace:
        """The command's configuration as it was given."""
        config: Namespace = self.config[self.command]
        return config

    @property
    def command_parser(self) -> LightningArgumentParser:
        """The parser of the command's settings."""
        return self._parser(self.command)

    def instantiate(self, config: Namespace) -> None:
        """Make model, data, Trainer and callbacks, and set the attributes of these names.

        Args:
            config: The command's configuration.
        """
        whole = self.config.clone()
        whole[self.command] = config
        self.config = whole
        self.trainer_defaults = TRAINER | {"callbacks": [kind() for kind in IN_EVERY_RUN]}
        super().instantiate_classes()


class _Unparsed(Wiring):
    """The parsers of a command, without a command line."""

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse nothing."""
        command = self._asked[0]
        self.config = Namespace({"subcommand": command, command: {}})  # type: ignore[no-untyped-call]


def parser_of(command: str) -> LightningArgumentParser:
    """Return the parser of a command's settings.

    Args:
        command: `fit`, `test` or `validate`.
    """
    return _Unparsed([command]).command_parser


def build_parser() -> None:
    """Build the parser of `fit` ahead, for processes that are copied to fit."""
    built = _Unparsed(["fit"])
    _BUILT[("fit",)] = built.parser, built._subcommand_parsers, built._subcommand_method_arguments


def _add_options(parser: LightningArgumentParser) -> None:
    """Add the options that belong to no class."""
    parser.add_argument(
        "--run_dir",
        type=str | None,
        default=None,
        help="Folder of the run. Default: `runs/<config>-s<seed>-<8 hex digits of the settings>`.",
    )
    parser.add_argument(
        "--wait",
        type=bool | None,
        default=None,
        help="Wait while another process works in the run's folder, instead of refusing. Default: only in a sweep "
        "of W&B.",
    )
    parser.add_argument(
        "--requeue",
        type=Requeue,
        default="notice",
        help="After what a run of a W&B sweep is given to an agent again: notice: SIGUSR1, by which clusters announce "
        "a pre-emption; interrupt: SIGTERM and Ctrl-C too, for clusters that pre-empt by SIGTERM, as W&B stops a run.",
    )
    parser.add_argument(
        "--preflight",
        type=bool,
        default=True,
        help="Try all that the run does on two batches before its first level, so that what fails does so at once. "
        "Of it nothing is left.",
    )
    parser.add_argument(
        "--threads",
        type=int | None,
        default=None,
        help="CPU threads of one operation. Small networks gain nothing from a second one. Default: all cores.",
    )
    parser.add_argument(
        "--matmul_precision",
        type=Literal["highest", "high", "medium"] | None,
        default=None,
        help="Precision of products of float32 matrices, as torch.set_float32_matmul_precision has it: high is TF32 on "
        "GPUs that have it. Default: as torch is set, which is highest.",
    )
