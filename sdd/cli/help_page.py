"""`--help` of `fit`, `test` and `validate`: the sections of their settings, and the settings of one of them."""

import re
from collections.abc import Sequence
from typing import Any

from sdd.errors import UserError
from sdd.messages import did_you_mean

RUN, ALL = "run", "all"

SECTIONS = {
    RUN: "configuration files, seed, the run's folder, threads, checkpoint to read",
    "model": "network, optimizer, learning-rate schedule, loss, distillation, distance penalty",
    "data": "data set, training and validation parts, label noise, batches, augmentation",
    "pruning": "levels, sparsities, criterion, scope, retraining, masks of other runs",
    "distance": "learning distance per layer and along a level",
    "flatness": "Hessian, sharpness and loss curves around trained weights",
    "dynamics": "measures after the epochs of a level",
    "calibration": "expected calibration error",
    "entropy": "activation entropy",
    "curve": "curve.csv, curve.png and summary.json",
    "checkpoint": "checkpoints to resume from, and stored levels",
    "progress": "how much is done and the time left",
    "trainer": "devices, precision, loggers, callbacks, gradient clipping: Lightning's Trainer",
}
"""What the settings of each section are about; one of section S is called S.NAME, but not in `run`."""

_PAGE = """\
usage: python -m sdd {command} --config FILE [--SETTING VALUE ...]

Every setting is a flag and a YAML key of one name. Their sections:

{sections}

python -m sdd {command} --help SECTION          the settings of a section
python -m sdd {command} --help SETTING          one of them, such as --help pruning.criterion
python -m sdd {command} --help all              all of them
python -m sdd {command} --SETTING.help CLASS    the arguments of a class, such as --model.net.help sdd.models.MLP
python -m sdd {command} --config FILE --print_config   all values that a command line gives
"""

_CLASSES = re.compile(r",\s+known\s+subclasses:[^)]*\)")
_FEW = 20  # classes that are worth naming; jsonargparse names all hundreds of modules that PyTorch has


def asked_for(arguments: Sequence[str]) -> str | None:
    """Return what help a command line asks for: a section or setting, or "" where `--help` stands alone; None: none.

    Args:
        arguments: The command line after the program's name.
    """
    for index, argument in enumerate(arguments):
        flag, _, value = argument.partition("=")
        if flag not in {"-h", "--help"}:
            continue
        following = arguments[index + 1 : index + 2]
        return value or next((word for word in following if not word.startswith("-")), "")
    return None


def page(command: str, topic: str) -> str:
    """Return the help of a command.

    Args:
        command: `fit`, `test` or `validate`.
        topic: A section, a setting, `all`, or "": the page that names the sections. It needs no import of PyTorch.

    Raises:
        UserError: There is no such section or setting.
    """
    if topic:
        return _settings(command, topic.lstrip("-"))
    width = max(map(len, SECTIONS)) + 2
    lines = (f"  {name:<{width}}{about}" for name, about in SECTIONS.items())
    return _PAGE.format(command=command, sections="\n".join(lines))


def _settings(command: str, topic: str) -> str:
    """Return the settings of a section, one setting with those below it, or all, as the command's parser tells them."""
    from sdd.cli.wiring import parser_of

    parser = parser_of(command)
    actions: list[Any] = parser._actions
    names = {action.dest for action in actions}
    if topic not in {*SECTIONS, ALL, *names}:
        raise UserError(
            f"{topic} is no section of settings; there are: {', '.join([*SECTIONS, ALL])}"
            f"{did_you_mean(topic, [*SECTIONS, ALL, *names], '')}"
        )
    for group in parser._action_groups:
        group._group_actions = [action for action in group._group_actions if _is_of(topic, action.dest)]
    parser._action_groups = [group for group in parser._action_groups if group._group_actions]
    parser.usage, parser.description = _usage(command, topic), None
    return _CLASSES.sub(lambda found: found[0] if found[0].count(",") <= _FEW else ")", parser.format_help())


def _is_of(topic: str, name: str) -> bool:
    """Tell whether a setting belongs to a section, is one itself, or is below one."""
    if topic == RUN:
        return name.partition(".")[0] not in SECTIONS
    return topic == ALL or name == topic or name.startswith(f"{topic}.")


def _usage(command: str, topic: str) -> str:
    setting = f"{topic}.NAME" if topic in SECTIONS and topic != RUN else "SETTING"
    return f"python -m sdd {command} [--{setting} VALUE ...]"
