"""Configurations in YAML, as plain values."""

from typing import Any

import yaml

from sdd.files import YAML_LOADER


def plain(text: str) -> Any:
    """Return what a configuration that was dumped holds: mappings, lists, texts, numbers, bools and None.

    Args:
        text: In YAML.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    return yaml.load(text, Loader=YAML_LOADER)  # both are safe
