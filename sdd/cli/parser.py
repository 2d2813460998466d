"""A parser of settings that takes whole names only, and says in one line of plain words what is wrong."""

import re
from collections.abc import Collection
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.loggers import Logger

from sdd.cli.class_errors import class_error
from sdd.console import unrecognised
from sdd.errors import UserError
from sdd.files import damage
from sdd.messages import did_you_mean, one_line, yaml_error
from sdd.tracking.loggers import OWN_FOLDER

_CHOICE = re.compile(r"Expected a typing\.Literal\[(.*?)\]\. Got value: (.*)")
_TYPE = re.compile(r"Expected a <class '([\w.]+)'>\. Got value: (.*)")
_UNION = re.compile(
    r"(?:- Expected a path but .*? either not accessible or invalid - )?"
    r"Does not validate against any of the Union subtypes Subtypes: \[(.*?)\] Errors: .*Given value: (.*)"
)
_CLASS = re.compile(r"<class '(?:\w+\.)*(\w+)'>|(?:\w+\.)+(\w+)")
_GIVEN_BY = re.compile(r'Linked "([\w.]+)" must be given via "([\w.]+)"')
_REFUSED_IN_LINK = re.compile(r"Call to compute_fn of link .*? failed: (.*)")
_LINKED = re.compile(r"argument (?:\w+\()?([\w., ]+?)\)? --> ([\w.]+): invalid .*")
_UNKNOWN = re.compile(r"(?:Subcommand '\w+' does not accept option|^Option) '([^']+)'")
_UNKNOWN_IN_GROUP = re.compile(r"^Group '([^']+)' does not accept option '([^']+)'")
_UNKNOWN_WITHIN = re.compile(r'Parser key "([^"]*)": .*?([\w.]+) is not a setting(?:; did you mean ([\w.]+)\?|(; .*))?')
_NO_NETWORK = re.compile(r"are required: (?:\w+\.)?model\.net$")
_NO_SECTION = re.compile(r'^Key "(\w+)\.\w+" not found in namespace')
_NO_CONFIG = "Unexpected config:"
_NO_YAML = "Problems parsing config: "
_UNKNOWN_FLAG = "unrecognized arguments: "

_FEW = 12  # names that a line has room for


class Parser(LightningArgumentParser):
    """The parser of a command's settings; jsonargparse makes one for the arguments of each class among them too.

    Attributes:
        built: Whether no further settings are added, so that the defaults, which are asked for again and again, stay.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.built = False
        self._own_defaults: Namespace | None = None
        super().__init__(*args, allow_abbrev=False, **kwargs)

    def get_defaults(self, skip_validation: bool = False, **kwargs: Any) -> Namespace:
        """Return all defaults; the caller may change them."""
        if not (self.built and skip_validation) or kwargs:
            return super().get_defaults(skip_validation=skip_validation, **kwargs)
        if self._own_defaults is None:
            self._own_defaults = super().get_defaults(skip_validation=True)
        return deepcopy(self._own_defaults)

    def add_class_arguments(self, class_type: type, *args: Any, **kwargs: Any) -> list[str]:
        """Add the arguments of a class; a logger whose `save_dir` must be given has the run's folder there."""
        added: list[str] = super().add_class_arguments(class_type, *args, **kwargs)
        if isinstance(class_type, type) and issubclass(class_type, Logger):
            for action in self._actions:
                if action.dest == "save_dir" and action.required:
                    action.required, action.default = False, OWN_FOLDER
        return added

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Namespace:
        """Read a configuration file; what is wrong with it names it, and of a run's own that it has changed."""
        try:
            if found := damage(Path(path)):
                raise UserError(found)
            parsed: Namespace = super().parse_path(path, *args, **kwargs)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        return parsed

    def error(self, message: str, ex: Exception | None = None) -> Any:
        """Raise a UserError instead of printing the whole usage."""
        parser = getattr(ex, "subcommand_parser", self)
        raise UserError(plain_words(message, _names(parser))) from ex


def plain_words(message: str, names: Collection[str]) -> str:
    """Rewrite what jsonargparse says of a bad command line or configuration file.

    Args:
        message: What it says.
        names: The settings that could have been meant.
    """
    text = one_line(message)
    if text.startswith(_UNKNOWN_FLAG):
        given = unrecognised(text)
        if not given.startswith("-"):
            return f"{given!r} is neither a setting nor the value of one: write --SETTING VALUE"
        return _not_a_setting(given, [f"--{name}" for name in names])
    if found := _UNKNOWN.search(text):
        return _not_a_setting(found[1], names)
    if found := _UNKNOWN_IN_GROUP.search(text):
        return _not_a_setting(".".join(found.groups()), names)
    if found := _UNKNOWN_WITHIN.search(text):
        above, name, near, otherwise = found.groups()
        end = f"; did you mean {above}.{near}?" if near else (otherwise or "")
        return f"{above}.{name} is not a setting{end.partition(' - ')[0]}"
    if refused := _REFUSED_IN_LINK.search(text):
        return refused[1]
    if found := _LINKED.search(text):
        source, target = found.groups()
    elif found := _GIVEN_BY.search(text):
        target, source = found.groups()
    if found:
        return f"{target} follows from {source}: leave it unset and set that instead"
    if "model.seed" in text:
        return f"seed_everything must be a whole number from 0 to 4294967295, so that a run can be repeated ({text})"
    if _NO_NETWORK.search(text):
        return (
            "no network is named: give --config digits_mlp, or another that `python -m sdd configs` lists, or your own"
        )
    if found := _NO_SECTION.search(text):
        return f"{found[1]} must hold settings by name, such as {found[1]}: {{NAME: VALUE}}"
    if text.startswith(_NO_CONFIG):
        return "a configuration file must hold settings by name, such as pruning: {levels: 10}, but one holds " + (
            text.removeprefix(_NO_CONFIG).strip() or "nothing"
        )
    if text.startswith(_NO_YAML):
        return f"it is no YAML: {yaml_error(text.removeprefix(_NO_YAML))}"
    if told := class_error(text):
        return told
    text = re.sub(r'Parser key "([^"]*)": ', r"\1: ", text)
    text = _UNION.sub(lambda found: f"{found[2]!r} is not allowed; it must be one of: {_types(found[1])}", text)
    text = _TYPE.sub(lambda found: f"{found[2]!r} is not allowed; it must be of type {found[1]}", text)
    return _CHOICE.sub(lambda found: f"{found[2]!r} is unknown; allowed: {found[1].replace(chr(39), '')}", text)


def _types(subtypes: str) -> str:
    """Return types, as jsonargparse lists them, by their plain names."""
    return _CLASS.sub(lambda found: found[1] or found[2], subtypes).replace("NoneType", "null")


def _names(parser: LightningArgumentParser) -> list[str]:
    """Return the settings of a parser."""
    options = [option for option in parser._option_string_actions if option.startswith("--")]
    return [option[2:] for option in options if not option.endswith(("+", "--help", ".help"))]


def _not_a_setting(name: str, names: Collection[str]) -> str:
    few = ", ".join(names) if len(names) <= _FEW else ""
    otherwise = f"; allowed: {few}" if few else "; --help all lists all settings"
    return f"{name} is not a setting{did_you_mean(name, names, otherwise)}"
