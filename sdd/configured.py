"""Parts that a configuration names, made by its class paths and arguments."""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any

from jsonargparse import ArgumentParser
from torch import nn


def made(kind: Any, config: Any) -> Any:
    """Make what a configuration names.

    Args:
        kind: Its type, such as `nn.Module`.
        config: `class_path` and `init_args`, or whatever else the type takes.

    Raises:
        ArgumentError: The configuration names nothing of this type.
    """
    parser = _parser("part", kind)
    return parser.instantiate(parser.parse_object({"part": config})).part


def builder(net: Mapping[str, Any]) -> Callable[[], nn.Module]:
    """Return a function that builds a configured network anew, with fresh weights from the global generator.

    Args:
        net: What a configuration says in `model.net`: `class_path` and `init_args`.
    """
    parser = _parser("net", nn.Module)
    config = parser.parse_object({"net": net})

    def build() -> nn.Module:
        built: nn.Module = parser.instantiate(config).net
        return built

    return build


def _parser(name: str, kind: Any) -> ArgumentParser:
    """Return the parser of one argument; classes that it names need not have annotated theirs."""
    parser = ArgumentParser(exit_on_error=False)

    def takes(**given: Any) -> None:
        """Take it."""

    parameter = Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind)
    takes.__signature__ = Signature([parameter])  # type: ignore[attr-defined]  # functions have one where it is set
    parser.add_function_arguments(takes, fail_untyped=False)
    return parser
