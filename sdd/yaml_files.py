"""YAML files of plain values, read so that nothing in them is lost without a word."""

from pathlib import Path
from typing import Any

import yaml

from sdd.errors import UserError
from sdd.files import read_text
from sdd.messages import yaml_error

YAML_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Of plain values; ten times as fast where PyYAML has it."""

_MOST_VALUES = 1_000_000
"""Values of a YAML file; a few lines of aliases can stand for any number."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        UserError: It is missing, cannot be read, is no YAML, names a key twice, or its aliases stand for more than a
            file may hold.
    """
    text = read_text(path)
    try:
        content = yaml.load(text, Loader=YAML_LOADER)
        size = _unfolded(content, {})
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is no YAML: {yaml_error(str(error))}") from error
    _check_size(size, str(path))
    refuse_repeated(text, str(path))
    return content


def refuse_repeated(text: str, what: str) -> None:
    """Refuse YAML in which a mapping names a key twice, of which one would be lost; merging by `<<` is no repetition.

    A key with dots names what is in the mapping of its first parts: `a.b` beside a mapping `a` is a second one of `a`.

    Args:
        text: That can be read.
        what: It is, for the error.

    Raises:
        UserError: One is.
    """
    todo, seen = [yaml.compose(text, Loader=YAML_LOADER)], set[int]()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
            continue
        todo += [value for _, value in node.value]
        lines: dict[tuple[str, str], int] = {}
        whole: set[tuple[str, str]] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            line = key.start_mark.line + 1
            if (first := lines.get((key.tag, key.value))) is not None:
                raise UserError(f"{what}: {key.value} is set twice, in lines {first} and {line}: keep one")
            lines[key.tag, key.value] = line
            whole |= {(key.tag, key.value)} if isinstance(value, yaml.MappingNode) else set()
        for (tag, name), line in lines.items():
            above = name.rpartition(".")[0]
            while above:
                if (tag, above) in whole:
                    there = lines[tag, above]
                    raise UserError(f"{what}: {name}, in line {line}, is in {above} too, in line {there}: keep one")
                above = above.rpartition(".")[0]


def check_size(content: Any, what: str) -> None:
    """Check that YAML that has been read holds no more values than a configuration may.

    Args:
        content: Of plain values.
        what: It is, for the error.

    Raises:
        UserError: Its aliases stand for more.
    """
    _check_size(_unfolded(content, {}), what)


def _check_size(size: int, what: str) -> None:
    if size > _MOST_VALUES:
        raise UserError(f"{what} is no configuration: its aliases stand for more than {_MOST_VALUES:,} values")


def _unfolded(content: Any, known: dict[int, int]) -> int:
    """Return how many values there are in a value, those that several aliases stand for counted for each."""
    if not isinstance(content, dict | list):
        return 1
    if id(content) not in known:
        known[id(content)] = _MOST_VALUES + 1  # while it is counted: what holds itself has no end
        within = content.values() if isinstance(content, dict) else content
        known[id(content)] = 1 + sum(_unfolded(one, known) for one in within)
    return known[id(content)]
