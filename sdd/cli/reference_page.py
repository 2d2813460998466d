"""The page of all settings, docs/reference.md, from the parser and the docstrings of the classes that take them.

`python -m sdd.cli.reference_page docs/reference.md` writes it.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from jsonargparse import Namespace

from sdd.cli.help_page import RUN, SECTIONS
from sdd.cli.wiring import parser_of
from sdd.runs.settings import SEED

_HEAD = """\
# All settings

[Settings](settings.md) says what can be chosen, and `python -m sdd fit --help SECTION` prints what is here.
`python -m sdd.cli.reference_page docs/reference.md` writes this page.
"""

_TRAINER = (
    "Lightning's Trainer takes these, and its documentation says what they do. Those that would end or shorten a "
    "training without regard to levels are refused.\n"
)
_PLAIN = {
    bool: "`true`, `false`",
    int: "int",
    float: "float",
    str: "str",
    dict: "dict",
    type(None): "`null`",
    Path: "path",
}


def reference_page() -> str:
    """Return the page."""
    actions: list[Any] = parser_of("fit")._actions
    return "\n".join([_HEAD, *(line for section in SECTIONS for line in _section(section, actions))])


def _section(section: str, actions: list[Any]) -> Iterator[str]:
    own = [action for action in actions if _is_setting(action) and _section_of(action.dest) == section]
    yield f"## {section}\n"
    yield f"What they are about: {SECTIONS[section]}.\n"
    if section == "trainer":
        yield _TRAINER
        yield f"{', '.join(f'`{action.dest}`' for action in own)}\n"
        return
    yield "| setting | type | default | |\n|---|---|---|---|"
    for action in own:
        kind = _type(int if action.dest == SEED else getattr(action, "_typehint", None))
        yield f"| `{action.dest}` | {kind} | {_default(action.default)} | {_about(action.help)} |"
    yield ""


def _section_of(name: str) -> str:
    first = name.partition(".")[0]
    return first if first in SECTIONS else RUN


def _is_setting(action: Any) -> bool:
    options = [one for one in action.option_strings if one.startswith("--")]
    hidden = action.dest in {"help", "config", "print_config", *SECTIONS} or action.help == "==SUPPRESS=="
    return bool(options) and not hidden and not options[0].endswith(".help")


def _type(hint: Any) -> str:
    """Return a type in words that do not depend on the version of Python."""
    inner, origin = get_args(hint), get_origin(hint)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in {Union, UnionType}:
        return " or ".join(dict.fromkeys(_type(one) for one in inner))
    if origin is not None and issubclass(origin, Sequence):
        return f"list of {_type(inner[0])}"
    return _PLAIN.get(origin or hint, "class")


def _default(value: object) -> str:
    if isinstance(value, Namespace):
        value = value.as_dict()
    return f"`{'null' if value is None else str(value).lower() if isinstance(value, bool) else value}`"


def _about(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("%%", "%")


def main() -> None:
    """Write the page to the file that the command line names."""
    Path(sys.argv[1]).write_text(reference_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
