"""A configured network, built as often as is wanted."""

from collections.abc import Callable, Mapping
from typing import Any

from jsonargparse import ArgumentParser
from torch import nn


def builder(net: Mapping[str, Any]) -> Callable[[], nn.Module]:
    """Return a function that builds a configured network anew, with fresh weights from the global generator.

    Args:
        net: What a configuration says in `model.net`: `class_path` and `init_args`.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--net", type=nn.Module)
    config = parser.parse_object({"net": net})

    def build() -> nn.Module:
        built: nn.Module = parser.instantiate(config).net
        return built

    return build
