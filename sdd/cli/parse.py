"""First step: what a command line asks for, read and checked without network, data or folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from pydoc import locate

from jsonargparse import Namespace

from sdd.callbacks import IterativePruning
from sdd.callbacks.trainer_settings import check_callback_class
from sdd.cli.numbers import check_numbers
from sdd.cli.teacher import teacher_of
from sdd.cli.wiring import SECTIONS, Wiring
from sdd.data import NoisyLabelData
from sdd.distillation import check_distillation
from sdd.errors import UserError
from sdd.places import place_of
from sdd.pruning.retraining import RETRAININGS, Retraining
from sdd.runs.config_text import plain
from sdd.runs.folder import RunFolder
from sdd.runs.identity import settings_of
from sdd.runs.masks_source import check_shuffled
from sdd.runs.place import ALL_PLACE
from sdd.runs.plan import Plan
from sdd.runs.prerequisites import AUTO, TICKETS, UNTAUGHT
from sdd.shipped import with_files
from sdd.tracking.sweep_agent import in_wandb_sweep

_MOST_THREADS = 1024

_LARGEST_SEED = 2**32 - 1
"""That NumPy's generator takes, which Lightning seeds too; our own draws take any (`sdd.seeding`)."""


@dataclass(frozen=True)
class Request:
    """What a command line asks for; no later step changes it.

    Attributes:
        arguments: The command line after the program's name.
        command: `fit`, `test` or `validate`.
        wiring: Makes the parts.
        config: The command's configuration.
        text: The same in YAML, without what follows from other settings.
        plan: The run: its configuration's name, seed and settings.
        folder: The run's.
    """

    arguments: tuple[str, ...]
    command: str
    wiring: Wiring
    config: Namespace
    text: str
    plan: Plan
    folder: RunFolder

    @property
    def waits(self) -> bool:
        """Whether it waits while another process works in the run's folder: by `wait`, else in a sweep of W&B."""
        wait: bool | None = self.config.wait
        return in_wandb_sweep() if wait is None else wait


def parse(arguments: Sequence[str]) -> Request:
    """Read a command line, its configuration files included.

    Args:
        arguments: After the program's name: `fit`, `test` or `validate`, then settings.

    Raises:
        UserError: A setting is unknown or its value is not allowed.
    """
    if "--run_dir=~" in arguments or ("--run_dir", "~") in pairwise(arguments):  # which is null in YAML
        raise UserError("run_dir is '~', the home folder: name a folder in it, such as ~/runs/first")
    try:
        wiring = Wiring(with_files(arguments))
    except RecursionError as error:
        raise UserError("a value, or a configuration file, holds lists within lists without end") from error
    config = wiring.command_config
    _check(config)
    retraining = _retraining(config)
    if config.pruning.masks_from == AUTO and not (retraining.other_masks or config.pruning.masks_shuffled):
        config.pruning.masks_from = None  # this is the run whose masks others take
    if config.model.distill_from == AUTO and config.model.distill_weight == 0:
        for name, value in UNTAUGHT.items():  # this is the run that teaches others
            config.model[name] = value
    text = wiring.command_parser.dump(config, skip_validation=True, skip_unset=False, skip_link_targets=True)
    settings = settings_of(wiring.command_parser, plain(text), SECTIONS, ALL_PLACE)
    levels = config.trainer.max_epochs // max(config.pruning.epochs_per_level, 1)
    plan = Plan(_config_name(config), config.seed_everything, settings, levels)
    folder = RunFolder(place_of(plan.run_dir() if config.run_dir is None else config.run_dir, "run_dir"))
    return Request(tuple(arguments), wiring.command, wiring, config, text, plan, folder)


def plan(arguments: Sequence[str]) -> Plan:
    """Read a command line of `fit`, and check too what the data and the pruning say of their arguments.

    Args:
        arguments: `fit` first.

    Raises:
        UserError: A setting is unknown or its value is not allowed.
    """
    request = parse(arguments)
    check_parts(request)
    return request.plan


def check_parts(request: Request) -> None:
    """Find out what data and pruning say of their arguments, and whether the teacher is there, before anything costly.

    Args:
        request: Of `fit`.

    Raises:
        UserError: A setting's value is not allowed.
    """
    pruning = request.config.pruning.as_dict()
    if pruning["masks_shuffled"]:
        check_shuffled(pruning["masks_from"], pruning["retrain"], _retraining(request.config))
    if pruning["masks_from"] == AUTO:  # that run need not be there yet
        pruning |= TICKETS
    IterativePruning(**pruning)
    NoisyLabelData(**request.config.data.as_dict())
    model = request.config.model
    check_distillation(model.distill_from, model.distill_level, model.distill_weight, model.distill_temperature)
    check_numbers(plain(request.text))  # after those who can say more of their own
    if model.distill_weight and model.distill_from != AUTO:
        teacher_of(model, request.plan.seed)


def _retraining(config: Namespace) -> Retraining:
    return RETRAININGS.get(config.pruning.retrain, config.pruning.retrain_args)


def _check(config: Namespace) -> None:
    """Refuse what the types of the settings allow, but no run can be made of."""
    seed = config.seed_everything
    if isinstance(seed, bool) or not 0 <= seed <= _LARGEST_SEED:
        raise UserError(
            f"seed_everything is {seed}; it must be a whole number from 0 to {_LARGEST_SEED}, so that a run can be "
            "repeated"
        )
    if config.threads is not None and not 1 <= config.threads <= _MOST_THREADS:
        raise UserError(f"threads is {config.threads}; it must be from 1 to {_MOST_THREADS}")
    if config.trainer.default_root_dir is not None:
        raise UserError("trainer.default_root_dir is the run's folder: set --run_dir instead")
    if config.trainer.fast_dev_run < 0:
        raise UserError(f"trainer.fast_dev_run is {config.trainer.fast_dev_run}; it must be true or false")
    limit = config.trainer.limit_train_batches
    if isinstance(limit, float) and limit == 1:
        raise UserError("trainer.limit_train_batches is 1.0, which is all batches: leave it unset; 1 is a single batch")
    for kind in callback_classes(config):
        check_callback_class(kind)


def callback_classes(config: Namespace) -> Iterator[type]:
    """Yield the classes of the callbacks that a configuration names for the Trainer."""
    chosen = config.trainer.callbacks or []
    for callback in chosen if isinstance(chosen, list) else [chosen]:
        named = locate(str(getattr(callback, "class_path", "")))
        if isinstance(named, type):
            yield named


def _config_name(config: Namespace) -> str:
    paths = config.get("config") or []
    return Path(str(paths[-1])).stem if paths else str(config.data.dataset)
