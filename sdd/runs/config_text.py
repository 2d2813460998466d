"""Configurations in YAML, as plain values."""

from typing import Any

import yaml
from jsonargparse import Namespace, get_loader, set_dumper, set_loader

from sdd.messages import one_line
from sdd.yaml_files import YAML_LOADER, check_size, refuse_repeated

_SAFE_DUMPER: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def plain(text: str) -> Any:
    """Return what a configuration that was dumped holds: mappings, lists, texts, numbers, bools and None.

    Args:
        text: In YAML.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    return yaml.load(text, Loader=YAML_LOADER)  # both are safe


class _Dumper(_SAFE_DUMPER):  # type: ignore[misc]  # PyYAML has no types of its parts in C
    """Writes what jsonargparse's own writes, several times as fast where PyYAML has its parts in C."""


_Dumper.add_representer(Namespace, lambda dumper, value: dumper.represent_dict(value.as_dict()))


def as_text(config: Any) -> str:
    """Return a configuration, nested and plain, in YAML, as jsonargparse writes one."""
    text: str = yaml.dump(config, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False)
    return text


_read = get_loader("yaml")


def _checked(text: str) -> Any:
    """Return what jsonargparse reads in YAML, unless aliases stand for more than it could ever copy or keys repeat."""
    content = _read(text)
    if isinstance(content, dict | list):
        what = f"YAML that begins with {one_line(text)[:20]!r}"
        check_size(content, what)
        refuse_repeated(text, what)
    return content


set_dumper("yaml", as_text)
set_loader("yaml", _checked, exceptions=(yaml.YAMLError,))
