"""Which weights of a network are pruned, and which are left out, and why."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise

from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import ParametrizationList

from sdd.errors import UserError
from sdd.models.state import first_names

_WEIGHTED = (
    nn.Linear,
    nn.Bilinear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
_ATTENTION_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_RECURRENT_WEIGHT = re.compile(r"weight_(ih|hh|hr)(_l\d+(_reverse)?)?")
_NAMED_AT_MOST = 6


@dataclass(frozen=True)
class LeftOut:
    """A weight that is not pruned.

    Attributes:
        name: In `net.named_parameters()`.
        count: Its numbers.
        reason: Why: `excluded`, `embedding`, `parametrised`, or `in a module of another kind`.
    """

    name: str
    count: int
    reason: str


def prunable_parameters(net: nn.Module, exclude: Sequence[str] = ()) -> dict[str, nn.Parameter]:
    """Find the weights of linear, convolutional, attention and recurrent layers.

    Biases, normalisation and embeddings are not among them, nor is a weight that is computed from other parameters
    (weight normalisation, spectral normalisation and other parametrisations): what is small or zero of those is not
    what is small or zero of the weight.

    Args:
        net: Any network. A parameter that several layers share is one weight, under its first name; it is pruned if
            one of them is of the kinds above, an embedding tied to a linear layer too.
        exclude: Names of weights to leave alone, as in `net.named_parameters()`, each by any of its names; `*` and `?`
            match as in file names.

    Returns:
        Parameter [...] by name, in the network's order.

    Raises:
        UserError: A name in `exclude` matches nothing, nothing is left to prune, a parameter has no shape yet, or
            two parameters lie in the same memory.
    """
    _check_memory(net)
    found = _layer_weights(net)
    names: dict[str, list[str]] = {name: [] for name in found}
    for name, first in first_names(net).items():
        if first in names:
            names[first].append(name)
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for several in names.values() for name in several):
            raise UserError(f"pruning.exclude: {pattern!r} matches no prunable weight; there are: {', '.join(found)}")
    kept = {
        name: parameter
        for name, parameter in found.items()
        if not any(fnmatchcase(one, pattern) for one in names[name] for pattern in exclude)
    }
    if not kept:
        others = left_out_text(left_out(net, ()), 0)
        raise UserError(
            "there is nothing to prune: the network has no linear, convolutional, attention or recurrent weight that "
            f"pruning.exclude leaves{f'; {others}' if others else ''}"
        )
    return kept


def left_out(net: nn.Module, pruned: Collection[str]) -> list[LeftOut]:
    """Return the weights that are not pruned: parameters of two or more dimensions but biases and normalisation.

    Args:
        net: Any network.
        pruned: Names of the weights that are pruned.
    """
    found, reasons = _layer_weights(net), _reasons(net)
    return [
        LeftOut(name, parameter.numel(), "excluded" if name in found else reasons[id(parameter)])
        for name, parameter in net.named_parameters()
        if name not in pruned and (name in found or id(parameter) in reasons)
    ]


def left_out_text(left: Iterable[LeftOut], prunable: int) -> str:
    """Say in one line what is left out, by reason, and its fraction of all weights; nothing where all are pruned.

    Args:
        left: What is left out.
        prunable: Count of the weights that are pruned.
    """
    by_reason: dict[str, list[str]] = {}
    count = 0
    for one in left:
        by_reason.setdefault(one.reason, []).append(one.name)
        count += one.count
    if not count:
        return ""
    named = [f"{_listed(names)} ({reason})" for reason, names in by_reason.items()]
    total = count + prunable
    return f"not pruned: {', '.join(named)}: {count:,} of {total:,} weights, {_percent(count, total)}"


def left_out_record(left: Iterable[LeftOut], prunable: int) -> dict[str, object]:
    """Return what is left out as a dictionary that JSON can hold: counts, fraction of all weights, names and reasons.

    Args:
        left: What is left out.
        prunable: Count of the weights that are pruned.
    """
    weights = {one.name: {"count": one.count, "reason": one.reason} for one in left}
    count = sum(one.count for one in left)
    return {"prunable": prunable, "count": count, "fraction": count / (count + prunable), "weights": weights}


def _layer_weights(net: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights, each [...] under its first name, of the layers that are pruned."""
    wanted = {id(weight) for module in net.modules() for weight in _weights_of(module)}
    return {name: parameter for name, parameter in net.named_parameters() if id(parameter) in wanted}


def _weights_of(module: nn.Module) -> list[nn.Parameter]:
    """Return the weights [...] of a module's own that are pruned."""
    own = {name: one for name, one in module._parameters.items() if one is not None}
    if isinstance(module, _WEIGHTED):
        return [own["weight"]] if "weight" in own else []
    if isinstance(module, nn.MultiheadAttention):
        return [own[name] for name in _ATTENTION_WEIGHTS if name in own]
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return [one for name, one in own.items() if _RECURRENT_WEIGHT.fullmatch(name)]
    return []


def _reasons(net: nn.Module) -> dict[int, str]:
    """Return by id why parameters of no layer's weights are left out; biases and normalisation are not among them."""
    reasons: dict[int, str] = {}
    for module in net.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and parameter.ndim >= 2:
                reason = _reason(module, name)
                if reason is not None:
                    reasons.setdefault(id(parameter), reason)
    return reasons


def _reason(module: nn.Module, name: str) -> str | None:
    """Return why a module's own parameter of two or more dimensions is left out; None: it is no weight."""
    if isinstance(module, nn.LayerNorm | nn.RMSNorm) or name == "bias":
        return None
    if isinstance(module, nn.MultiheadAttention) and name in {"bias_k", "bias_v"}:
        return None
    if isinstance(module, nn.Embedding | nn.EmbeddingBag) and name == "weight":
        return "embedding"
    if isinstance(module, ParametrizationList) or re.fullmatch(r"weight\w*_(orig|g|v)", name):
        return "parametrised"
    return "in a module of another kind"


def _check_memory(net: nn.Module) -> None:
    """Find out whether each parameter has a shape, and memory of its own.

    Raises:
        UserError: One has not.
    """
    places = []
    for name, parameter in net.named_parameters():
        if is_lazy(parameter):
            raise UserError(
                f"{name} has no shape before the network has seen images, so it cannot be pruned: give its layer the "
                "size of its input, as nn.Linear and nn.Conv2d take it, instead of a lazy one"
            )
        if parameter.numel():
            start = parameter.data_ptr()
            reach = sum((size - 1) * stride for size, stride in zip(parameter.shape, parameter.stride(), strict=True))
            places.append((start, start + (reach + 1) * parameter.element_size(), name))
    places.sort()
    for (_, end, name), (start, _, other) in pairwise(places):
        if start < end and start:
            raise UserError(
                f"{name} and {other} are two parameters in the same memory, so that a mask of one would be undone by "
                "the other: assign the same nn.Parameter to tie weights, or a clone to have two"
            )


def _listed(names: Sequence[str]) -> str:
    shown, further = names[:_NAMED_AT_MOST], len(names) - _NAMED_AT_MOST
    return ", ".join(shown) + (f" and {further} more" if further > 0 else "")


def _percent(count: int, total: int) -> str:
    """Return a fraction above zero in per cent, not rounded to none or all."""
    percent = 100 * count / total
    if percent < 0.1 or 99.9 < percent < 100:
        return "less than 0.1 %" if percent < 1 else "more than 99.9 %"
    return f"{percent:.1f} %"
