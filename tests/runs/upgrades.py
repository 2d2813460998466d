"""Versions to come, simulated: classes with one more option, or with another default."""

import inspect

from jsonargparse import _typehints

from sdd.runs.identity import argument_defaults


def forget_classes():
    """Look at classes anew, as a new process does."""
    _typehints._cached_class_parsers.clear()
    argument_defaults.cache_clear()


def new_option(patch, cls, name, default):
    """Give a class one more option, which changes nothing."""
    before = cls.__init__

    def __init__(self, *args, **kwargs):  # noqa: N807
        kwargs.pop(name, None)
        before(self, *args, **kwargs)

    parameters = list(inspect.signature(before).parameters.values())
    added = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=type(default))
    _replace(patch, cls, __init__, [*parameters, added])


def new_default(patch, cls, name, default):
    """Change the default of an option."""
    before = cls.__init__

    def __init__(self, *args, **kwargs):  # noqa: N807
        before(self, *args, **kwargs)

    parameters = inspect.signature(before).parameters.values()
    _replace(patch, cls, __init__, [one.replace(default=default) if one.name == name else one for one in parameters])


def _replace(patch, cls, made, parameters):
    made.__signature__ = inspect.Signature(parameters)
    made.__annotations__ = {one.name: one.annotation for one in parameters if one.annotation is not one.empty}
    made.__doc__ = cls.__init__.__doc__
    patch.setattr(cls, "__init__", made)
    forget_classes()
