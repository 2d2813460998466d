"""Losses of classifiers, as mean or sum over examples; each built-in one is a module here that holds it as `PART`."""

import inspect
import warnings
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sdd.errors import UserError
from sdd.messages import one_line
from sdd.parts import Kind


@dataclass(frozen=True)
class Loss:
    """A loss that a network is trained and measured with.

    Sums over examples, which measures need, are taken with `reduction="sum"` where the function has an argument, or
    the module an attribute, of that name; else as the mean times the number of examples. The two differ for losses
    that weigh examples, such as cross-entropy with class weights, whose mean is over the weights.

    Attributes:
        mean: Maps outputs [B, C] and int64 labels [B] to the mean loss of the B examples, a scalar; a function, or an
            `nn.Module`, whose buffers move to the network's device and are kept in checkpoints.
    """

    mean: Callable[[Tensor, Tensor], Tensor]

    def sum(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the losses of a batch's examples, a scalar, from outputs [B, C] and labels [B]."""
        reduced = self._reduced("sum")
        return self.mean(outputs, labels) * len(labels) if reduced is None else reduced(outputs, labels)

    def each(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each example, [B]; where it cannot be had, the batch's mean for each of them."""
        reduced = self._reduced("none")
        return self.mean(outputs, labels).expand(len(labels)) if reduced is None else reduced(outputs, labels)

    def for_measuring(self, *, double: bool = False) -> "Loss":
        """Return the loss for measuring: a module's copy in evaluation mode, which no call can change.

        Args:
            double: Whether it is for outputs of float64.
        """
        if not isinstance(self.mean, nn.Module):
            return self
        own = deepcopy(self.mean).eval()
        return Loss(own.double() if double else own)

    def check(self, name: str, outputs: Tensor, labels: Tensor) -> None:
        """Apply the loss to a few examples, to find out before the training whether it works.

        Args:
            name: What the setting `model.loss` says.
            outputs: Of the network, [B, C].
            labels: Int64 labels, [B].

        Raises:
            UserError: It refuses an argument, does not take them, or returns something else than a scalar.
        """
        loss = self.for_measuring()
        for kind, function in {"mean": loss.mean, "sum": loss.sum}.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # what is wrong is said below, in one line
                    value: Any = function(outputs, labels)
            except UserError:
                raise  # an argument, which it names
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                raise UserError(
                    f"model.loss {name} does not take outputs of shape {list(outputs.shape)} and labels of shape "
                    f"{list(labels.shape)}: {type(error).__name__}: {one_line(str(error))}"
                ) from error
            if not isinstance(value, Tensor) or value.shape != () or not value.is_floating_point():
                shown = f"a tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else f"{value!r}"
                raise UserError(f"model.loss {name} gives {shown} as the {kind} over examples; it must be a scalar")

    def _reduced(self, reduction: str) -> Callable[[Tensor, Tensor], Tensor] | None:
        if isinstance(self.mean, nn.Module):
            if not isinstance(getattr(self.mean, "reduction", None), str):
                return None
            module: Any = copy(self.mean)  # shares parameters and buffers
            module.reduction = reduction
            return module  # type: ignore[no-any-return]
        function: Any = self.mean
        return partial(function, reduction=reduction) if _default_reduction(function) is not None else None


def loss_of(chosen: str, arguments: dict[str, Any] | None) -> Loss:
    """Return the loss that `model.loss` and `model.loss_args` name.

    Raises:
        UserError: There is no such loss, it does not take the arguments, or it is not a mean over examples.
    """
    loss = LOSSES.get(chosen, _with_tensors(chosen, arguments))
    default = _default_reduction(loss.mean)
    if default not in {None, "mean"}:
        raise UserError(
            f"model.loss {chosen} has the reduction {default!r}; it must be 'mean', the mean over a batch's examples"
        )
    if isinstance(loss.mean, nn.Module) and any(one.requires_grad for one in loss.mean.parameters()):
        raise UserError(
            f"model.loss {chosen} has parameters to train, but the optimizer trains those of the network only: "
            "make them buffers, or part of the network"
        )
    return loss


def _with_tensors(chosen: str, arguments: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a loss's arguments, lists of numbers for a `weight` or `pos_weight` of torch.nn being tensors."""
    if not chosen.startswith("torch.nn.") or not arguments:
        return arguments
    try:
        return {
            name: torch.tensor(value, dtype=torch.float32)
            if name in {"weight", "pos_weight"} and isinstance(value, list)
            else value
            for name, value in arguments.items()
        }
    except (TypeError, ValueError) as error:
        raise UserError(
            f"model.loss_args do not fit {chosen}: weights must be numbers: {one_line(str(error))}"
        ) from error


def _default_reduction(loss: Callable[..., Any]) -> Any:
    """Return the reduction that a loss has unless another is asked for; None where it knows no such thing."""
    if isinstance(loss, nn.Module):
        return getattr(loss, "reduction", None)
    try:
        parameter = inspect.signature(loss).parameters.get("reduction")
    except (TypeError, ValueError):  # some functions written in C do not tell
        return None
    return None if parameter is None else parameter.default


LOSSES = Kind("model.loss", "sdd.losses", Loss, given=("outputs", "labels"))
