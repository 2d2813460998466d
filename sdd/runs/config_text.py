"""Configurations in YAML, as plain values."""

from typing import Any

import yaml

_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast; PyYAML may lack it


def plain(text: str) -> Any:
    """Return what a configuration that was dumped holds: mappings, lists, texts, numbers, bools and None.

    Args:
        text: In YAML.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    return yaml.load(text, Loader=_LOADER)  # both are safe
