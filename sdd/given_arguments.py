"""What objects were made with: the arguments of their constructors, so that a run from Python can say what it is."""

from inspect import Parameter, signature
from typing import Any

_GIVEN = "_given"


class KeepsArguments:
    """An object that keeps what its constructor was given; `given_arguments` returns it by name."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """Make the object, and keep what it is made with."""
        made: Any = super().__new__(cls)
        made.__dict__[_GIVEN] = arguments, named
        return made


def given_arguments(made: KeepsArguments) -> dict[str, Any]:
    """Return what an object was made with, by the names of its constructor's arguments; defaults are not among them."""
    arguments, named = made.__dict__[_GIVEN]
    constructor = signature(type(made).__init__)
    bound = constructor.bind_partial(made, *arguments, **named).arguments
    found: dict[str, Any] = {}
    for index, (name, value) in enumerate(bound.items()):
        if index == 0:
            continue  # the object itself
        if constructor.parameters[name].kind is Parameter.VAR_KEYWORD:
            found |= value
        else:
            found[name] = value
    return found


def made_again(made: KeepsArguments) -> Any:
    """Make another object with what one was made with."""
    arguments, named = made.__dict__[_GIVEN]
    return type(made)(*arguments, **named)


def forget_argument(made: KeepsArguments, name: str) -> None:
    """Keep an argument no longer, as it is large and another one has taken its place.

    Args:
        made: The object.
        name: Of the argument.
    """
    kept = {key: value for key, value in given_arguments(made).items() if key != name}
    made.__dict__[_GIVEN] = (), kept
