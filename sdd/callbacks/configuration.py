"""The configuration of a run that was put together in Python, read off its objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

import lightning.pytorch as pl
import torch

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.callback_order import LevelEnd
from sdd.callbacks.expressed import (
    UnknownError,
    expressed,
    expressed_class,
    expressed_network,
    expressed_optimizer,
    expressed_schedule,
)
from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.errors import UserError
from sdd.given_arguments import KeepsArguments, given_arguments
from sdd.module import Classifier
from sdd.runs.config_text import as_text
from sdd.runs.identity import (
    OF_SCRIPT,
    argument_defaults,
    code_of,
    decides_numbers,
    only_watches,
    settings_beside,
)
from sdd.runs.place import ALL_PLACE
from sdd.runs.settings import CODE, SEED, Settings

_NO_SETTING = "seed"  # of every part: it is `seed_everything`

_RELOADS = "reload_dataloaders_every_n_epochs"  # Lightning does not declare it

_TRAINER: Mapping[str, tuple[Callable[[pl.Trainer], Any], Any]] = {
    "accumulate_grad_batches": (lambda trainer: trainer.accumulate_grad_batches, 1),
    "deterministic": (lambda trainer: torch.are_deterministic_algorithms_enabled() or None, None),
    "gradient_clip_algorithm": (lambda trainer: expressed(trainer.gradient_clip_algorithm), None),
    "gradient_clip_val": (lambda trainer: trainer.gradient_clip_val, None),
    "limit_predict_batches": (lambda trainer: _limit(trainer.limit_predict_batches), None),
    "limit_test_batches": (lambda trainer: _limit(trainer.limit_test_batches), None),
    "limit_train_batches": (lambda trainer: _limit(trainer.limit_train_batches), None),
    "limit_val_batches": (lambda trainer: _limit(trainer.limit_val_batches), None),
    "max_steps": (lambda trainer: trainer.max_steps, -1),
    "min_epochs": (lambda trainer: trainer.fit_loop.min_epochs or None, None),
    "min_steps": (lambda trainer: trainer.fit_loop.min_steps, None),
    "overfit_batches": (lambda trainer: getattr(trainer, "overfit_batches", 0.0), 0.0),
    "plugins": (lambda trainer: None, None),
    "precision": (lambda trainer: None if _precision(trainer) == "32-true" else _precision(trainer), None),
    "reload_dataloaders_every_n_epochs": (lambda trainer: getattr(trainer, _RELOADS, 0), 0),
}
"""How each setting of the Trainer that decides numbers is read off it, and its default."""

_SCALARS = (type(None), bool, int, float, str)
_FOLLOW = {"arithmetic", _NO_SETTING}
"""Arguments whose attributes may differ: one follows from `frozen` as well, one is compared elsewhere."""

_SET_BY_LIGHTNING = {"log", "log_dict"}
"""Attributes of a callback in a training: methods of what is trained."""

_ACCELERATORS = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}


@dataclass(frozen=True)
class Configuration:
    """What a run is, as far as its objects say.

    Attributes:
        settings: It is told by.
        text: All of it in YAML, as the command line writes it.
        unknown: Settings that no configuration can repeat, each with what there is to say of it.
        objects: What these are, by setting, where it is told apart by what it does.
        known: What these may refer to and is told elsewhere: Trainer, module and data, by name.
    """

    settings: Settings
    text: str
    unknown: Mapping[str, str]
    objects: Mapping[str, Any]
    known: Mapping[str, Any]


@dataclass
class _Untold:
    """What no configuration can say. Attributes: `unknown` and `objects` of `Configuration`."""

    unknown: dict[str, str] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)

    def note(self, place: str, value: Any, words: str) -> None:
        self.unknown[place], self.objects[place] = words, value


def configuration(trainer: pl.Trainer, module: Classifier) -> Configuration:
    """Read a run's configuration off its objects.

    Args:
        trainer: With all callbacks and the data.
        module: What it trains.

    Raises:
        UserError: The parts have different seeds, or the module has a finished network.
    """
    data = data_of(trainer)
    sections: dict[str, Any] = {"model": module, "data": data} | _of_sections(trainer)
    untold = _Untold()
    config: dict[str, Any] = {SEED: _seed(sections), "trainer": _of_trainer(trainer, untold)}
    defaults: dict[str, Any] = {SEED: 0, "trainer": {name: default for name, (_, default) in _TRAINER.items()}}
    defaults["trainer"]["callbacks"] = None
    for name, part in sections.items():
        _check_as_made(name, part)
        kind: Any = type(part)
        defaults[name] = _without_seed(argument_defaults(kind))
        given = _of_model(module) if part is module else given_arguments(part)
        config[name] = {**defaults[name], **_without_seed(_written(name, given, untold))}
        if not kind.__module__.startswith("sdd."):
            untold.note(f"{name}.class", kind, f"its class {kind.__name__}")
    plugin = trainer.precision_plugin
    if not type(plugin).__module__.startswith(("lightning.", "pytorch_lightning.")):
        untold.note("trainer.plugins", plugin, f"how {type(plugin).__name__} computes")
    if module.distillation is not None:
        untold.note("model.teacher", module.distillation.teacher, "the network that teach() was given")
    precision = torch.get_float32_matmul_precision()
    config |= {"threads": None, "matmul_precision": None if precision == "highest" else precision}
    defaults |= {"threads": None, "matmul_precision": None}
    classes: dict[str, type] = {"trainer": pl.Trainer} | {name: type(part) for name, part in sections.items()}
    known = {"the Trainer": trainer, "the module": module, "the data": data}
    settings = _told_apart(settings_beside(defaults, config, classes, ALL_PLACE), codes(untold.objects, known))
    placed = {"accelerator": _ACCELERATORS.get(trainer.strategy.root_device.type, "auto")}
    config["trainer"] = placed | config["trainer"]
    config["run_dir"] = str(trainer.default_root_dir)
    callbacks = config["trainer"]["callbacks"] or ()
    config["trainer"]["callbacks"] = [one for one in callbacks if not isinstance(one, str)] or None
    text = as_text(config)
    head = _head(untold.unknown, own=OF_SCRIPT in text)
    return Configuration(settings, head + text, untold.unknown, untold.objects, known)


def codes(objects: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    """Return settings that tell objects apart by what they do and hold.

    Args:
        objects: By the setting that holds them.
        known: What they may refer to and is told elsewhere, by name.

    Raises:
        UserError: One uses something whose state cannot be told.
    """
    return {f"{place}.{CODE}": _code(place, value, known) for place, value in objects.items()}


def _code(place: str, value: Any, known: Mapping[str, Any]) -> str:
    kind = type(value)
    if not isinstance(value, pl.Callback):
        return code_of(place, value, known)
    if any(map(only_watches, kind.__mro__)):  # what Lightning keeps in a progress bar and the like changes nothing
        return code_of(place, kind, known)
    try:
        held = {name: one for name, one in sorted(vars(value).items()) if name not in _SET_BY_LIGHTNING}
        return code_of(place, (kind, held), known)
    except UserError as error:
        hint = "where the callback changes nothing of the training, its class says so: decides_numbers = False"
        raise UserError(f"{error}; {hint}") from error


def _told_apart(settings: Settings, told: Mapping[str, str]) -> Settings:
    return replace(settings, chosen={**settings.chosen, **told}, values={**settings.values, **told})


def _of_sections(trainer: pl.Trainer) -> dict[str, IdleAtSteps]:
    """Return the callbacks that have a section of the configuration, by its name."""
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return {
        one.SECTION: one
        for one in callbacks
        if isinstance(one, IdleAtSteps) and one.SECTION is not None and "SECTION" in vars(type(one))
    }


_MAKERS = {"net": "build", "optimizer": "optimizer", "lr_scheduler": "lr_scheduler"}


def _of_model(module: Classifier) -> dict[str, Any]:
    made = {"net": expressed_network, "optimizer": expressed_optimizer, "lr_scheduler": expressed_schedule}
    return given_arguments(module) | {name: _Made(make, module) for name, make in made.items()}


@dataclass(frozen=True)
class _Made:
    """A part that a module makes. Attributes: express: Says what it is. module: That makes it."""

    express: Callable[[Classifier], Any]
    module: Classifier


def _written(section: str, given: Mapping[str, Any], untold: _Untold) -> dict[str, Any]:
    """Return arguments as a configuration writes them, in words those that it cannot write, which are noted."""
    written = {}
    for name, value in given.items():
        try:
            written[name] = value.express(value.module) if isinstance(value, _Made) else expressed(value)
        except UnknownError as what:
            made = getattr(value.module, _MAKERS[name]) if isinstance(value, _Made) else value
            written[name] = what.what
            untold.note(f"{section}.{name}", made, str(what))
    return written


def _of_trainer(trainer: pl.Trainer, untold: _Untold) -> dict[str, Any]:
    """Return those settings of a Trainer that decide numbers, and its callbacks."""
    config: dict[str, Any] = {name: read(trainer) for name, (read, _) in _TRAINER.items()}
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    sections = _of_sections(trainer).values()
    others = [one for one in callbacks if one not in sections and not _is_in_every_run(one)]
    written: list[Any] = []
    index = 0  # among those that decide numbers
    for one in others:
        held, words = _written_callback(one)
        place = f"trainer.callbacks.{index}"
        if decides_numbers(type(one)):
            index += 1
            if words is not None:
                untold.note(place, one, words)
        elif words is not None:
            untold.unknown[f"trainer.callbacks {type(one).__name__}"] = words
            if isinstance(held, str):
                continue
        written.append(held)
    config["callbacks"] = written or None
    return config


def _written_callback(callback: pl.Callback) -> tuple[dict[str, Any] | str, str | None]:
    """Return a callback as a configuration writes it, its class's name where none can, and what cannot be repeated."""
    kind = type(callback)
    try:
        if isinstance(callback, KeepsArguments):
            return expressed_class(kind, given_arguments(callback)), None
        return expressed_class(kind, {}), f"the arguments of {kind.__name__}"
    except UnknownError as what:
        return kind.__name__, f"{kind.__name__}, given {what}"


def _is_in_every_run(callback: pl.Callback) -> bool:
    """Tell whether a callback is in every run, or only watches one."""
    ours = isinstance(callback, IdleAtSteps) and "IN_EVERY_RUN" in vars(type(callback))
    return ours or isinstance(callback, LevelEnd) or only_watches(type(callback))


def _seed(sections: Mapping[str, Any]) -> int:
    """Return the one seed of all parts.

    Raises:
        UserError: They have different ones.
    """
    seeds = {name: int(part.seed) for name, part in sections.items() if hasattr(part, _NO_SETTING)}
    if len(set(seeds.values())) > 1:
        told = ", ".join(f"{name} {seed}" for name, seed in seeds.items())
        raise UserError(f"the parts of the run have different seeds ({told}): give all of them the same")
    return next(iter(seeds.values()))


def _check_as_made(section: str, part: KeepsArguments) -> None:
    """Find out whether a part still has the settings that it was made with, which its other attributes follow from.

    Raises:
        UserError: One was set afterwards.
    """
    constructor = signature(type(part).__init__).parameters
    made = {name: one.default for name, one in constructor.items()} | given_arguments(part)
    for name, value in made.items():
        held = vars(part).get(name, value)
        if name not in _FOLLOW and isinstance(held, _SCALARS) and isinstance(value, _SCALARS) and held != value:
            raise UserError(
                f"{section}.{name} is {held!r}, but {type(part).__name__} was made with {value!r}: give it to the "
                "constructor, from which all else follows"
            )


def _without_seed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != _NO_SETTING}


def _limit(value: float) -> float | None:
    """Return a limit of batches as a setting; 1.0 is all, but 1 is one."""
    return None if isinstance(value, float) and value == 1 else value


def _precision(trainer: pl.Trainer) -> str:
    return str(getattr(trainer, "precision", "32-true"))


def _head(unknown: Mapping[str, str], *, own: bool) -> str:
    """Return lines of comment that say where a configuration is from, and what of it cannot be repeated."""
    lines = ["# Of a run that was put together in Python."]
    if own:
        lines.append("# Classes of __main__ are those of its script; only those of a module can be imported.")
    lines += [f"# Cannot be repeated: {name}, {what}" for name, what in unknown.items()]
    return "\n".join([*lines, ""])
