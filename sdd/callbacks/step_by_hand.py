"""A training step whose gradients are taken by hand, for networks of linear layers with ReLU between them."""

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loops.progress import _Progress
from torch import Tensor, nn
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from sdd.callbacks.lean_step import Step
from sdd.failures import failure
from sdd.losses.cross_entropy import cross_entropy
from sdd.models.chain import DenseLayer, Layer, SparseLayer, learn, linear_chain, outputs_of
from sdd.models.sparse_linear import Plan
from sdd.models.sparse_products import Pattern
from sdd.module import Classifier

_MOVE_IN_PLACE = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop)
"""Optimizers that ask for one gradient a step and move the parameters where they are."""


def step_of(trainer: pl.Trainer, zero_grad: _Progress) -> Step:
    """Return what takes the steps of an epoch: by hand, where that leaves the same bits, else by autograd.

    Args:
        trainer: Of the run.
        zero_grad: Counts how often gradients were set to zero.
    """
    step = Step(trainer, zero_grad)
    chain = None if step.is_listened_to or not _is_plain(step) else linear_chain(step.module.net)
    sgd = _is_sgd(step.optimizer) and not trainer.gradient_clip_val
    if chain is None or (step.module.sparse_linears and not sgd):  # only that one's state is known here
        return step
    return StepByHand(trainer, zero_grad, chain, sgd=sgd)


class StepByHand(Step):
    """A step that leaves what autograd's leaves, bit for bit: weights, gradients, and the optimizer's state.

    Layers that compute by their surviving weights alone keep these, and their part of the optimizer's state, by
    themselves during an epoch; parameters and state have them again when the context is left.

    Args:
        trainer: Of the run.
        zero_grad: Counts how often gradients were set to zero.
        chain: The layers of the network, in their order.
        sgd: Whether the optimizer is plain SGD, whose step is then taken by hand as well.
    """

    def __init__(self, trainer: pl.Trainer, zero_grad: _Progress, chain: Sequence[nn.Linear], *, sgd: bool) -> None:
        super().__init__(trainer, zero_grad)
        self._is_sgd = sgd
        self._chain = chain
        self._plain_loss = self.module.loss.mean is cross_entropy and self.module.distillation is None
        self._one = torch.ones((), dtype=chain[0].weight.dtype)
        self._rows = -1
        self._plans: list[Plan | None] = []
        self._layers: list[Layer] = []
        self._sgd: _Sgd | None = None

    def __exit__(self, *_: object) -> None:
        """Give parameters and optimizer back what was kept from them."""
        self._close()

    def take(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        """Train on a batch, inputs [B, ...] and labels [B], the epoch's `number`th; returns its loss, a scalar."""
        rows = batch[0].shape[0]
        if rows != self._rows:
            self._plan(rows)
        if self._sgd is None:
            return super().take(batch, number)
        loss = self._gradients(batch, number)
        self._sgd.step()
        return loss

    def _plan(self, rows: int) -> None:
        """Choose how batches of so many rows are computed."""
        plans = self.module.sparse_linears.plan(self._chain, rows)
        self._rows = rows
        if plans == self._plans:
            return
        self._close()
        self._plans = plans
        self._layers = [
            DenseLayer(module) if plan is None else SparseLayer(module, plan.pattern, turns=plan.turns)
            for module, plan in zip(self._chain, plans, strict=True)
        ]
        for layer in self._layers:
            for place, parameter in enumerate(layer.parameters):
                parameter.grad = None if place == 0 and layer.pattern is not None else layer.gradients[place]
        self._sgd = _Sgd(self.optimizer, self._layers) if self._is_sgd else None

    def _close(self) -> None:
        if self._sgd is not None:
            self._sgd.close()
        for layer in self._layers:
            if layer.pattern is not None:
                weight = layer.parameters[0]
                layer.pattern.spread(layer.values[0], weight.detach())
                weight.grad = layer.pattern.spread(layer.gradients[0], torch.zeros_like(weight, requires_grad=False))
        self._layers = []

    def _gradients(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        inputs, labels = batch
        try:
            outputs, seen = outputs_of(self._layers, inputs)
        except Exception as error:
            raise failure("the network", error) from error
        loss, gradient = self._loss(inputs, labels, outputs)
        self._zero_grad.increment_ready()
        self._zero_grad.increment_started()
        self._zero_grad.increment_completed()
        learn(self._layers, seen, gradient)
        for hook in self._before_step:
            hook(self.trainer, self.module, self.optimizer)
        self._clip()
        return loss

    def _loss(self, inputs: Tensor, labels: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the training loss of a batch, a scalar, and its gradient by the logits [B, classes]."""
        if not self._plain_loss:
            outputs.requires_grad_()
            loss = self.module.batch_loss(inputs, labels, outputs.clone())  # which a loss may change in place
            (gradient,) = torch.autograd.grad(loss, outputs)
            return loss.detach(), gradient
        aten: Any = torch.ops.aten
        logs = torch.log_softmax(outputs, 1)
        try:
            loss, weight = aten.nll_loss_forward.default(logs, labels, None, 1, -100)
        except Exception as error:
            raise failure(self.module.loss_part, error) from error
        self.module.note_loss(loss)
        gradient = aten.nll_loss_backward.default(self._one, logs, labels, None, 1, -100, weight)
        return loss, aten._log_softmax_backward_data.default(gradient, logs, 1, logs.dtype)


class _Sgd:
    """What `torch.optim.SGD` does to its parameters, done to the values of layers that stand for them.

    Args:
        optimizer: Of one group of parameters, all of the layers'.
        layers: Hold values and gradients.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, layers: Sequence[Layer]) -> None:
        self._optimizer, self._layers = optimizer, layers
        self._values = [value for layer in layers for value in layer.values]
        self._momenta: list[Tensor] = []
        optimizer._opt_called = True  # type: ignore[attr-defined]  # what a schedule looks for
        for parameter, pattern in self._parameters():  # whatever the momentum is: a schedule may bring it back
            held: Tensor | None = optimizer.state.get(parameter, {}).get("momentum_buffer")
            if held is not None:
                self._momenta.append(held if pattern is None else held.take(pattern.places))

    def _parameters(self) -> list[tuple[nn.Parameter, Pattern | None]]:
        """Return the parameters, in the order of the values, and where the values are in them; None: everywhere."""
        return [
            (parameter, layer.pattern if number == 0 else None)
            for layer in self._layers
            for number, parameter in enumerate(layer.parameters)
        ]

    def step(self) -> None:
        """Move the values along their gradients."""
        group = self._optimizer.param_groups[0]
        rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        values, moves = self._values, [gradient for layer in self._layers for gradient in layer.gradients]
        if decay:
            moves = list(torch._foreach_add(moves, values, alpha=decay))
        if momentum:
            if self._momenta:
                torch._foreach_mul_(self._momenta, momentum)
                torch._foreach_add_(self._momenta, moves, alpha=1 - group["dampening"])
            else:
                self._momenta = [move.clone() for move in moves]
            moves = (
                list(torch._foreach_add(moves, self._momenta, alpha=momentum)) if group["nesterov"] else self._momenta
            )
        torch._foreach_add_(values, moves, alpha=-rate)

    def close(self) -> None:
        """Give the optimizer its state."""
        if not self._momenta:
            return
        for (parameter, pattern), momentum in zip(self._parameters(), self._momenta, strict=True):
            state = self._optimizer.state[parameter]
            if pattern is None:
                state["momentum_buffer"] = momentum
            else:
                held = state.setdefault("momentum_buffer", torch.zeros_like(parameter, requires_grad=False))
                pattern.spread(momentum, held)


def _is_plain(step: Step) -> bool:
    """Tell whether module and optimizer compute as they come, and the optimizer moves all of the network."""
    module, optimizer = step.module, step.optimizer
    moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return (
        type(module) is Classifier
        and not module.is_compiled
        and not module.distance_penalty
        and "forward" not in module.__dict__
        and not torch.is_anomaly_enabled()
        and not torch.is_autocast_enabled("cpu")
        and torch._C._autograd._top_saved_tensors_default_hooks(True) is None
        and type(optimizer) in _MOVE_IN_PLACE
        and moved == {id(parameter) for parameter in module.net.parameters()}
        and not optimizer._optimizer_step_pre_hooks
        and not optimizer._optimizer_step_post_hooks
        and not _global_optimizer_pre_hooks
        and not _global_optimizer_post_hooks
    )


def _is_sgd(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether an optimizer is PyTorch's SGD with nothing that rounds, or is meant, otherwise."""
    (group, *others) = optimizer.param_groups
    step: Any = optimizer.__dict__.get("step")
    return (
        type(optimizer) is torch.optim.SGD
        and not others
        and not (group["fused"] or group["foreach"] or group["maximize"] or group["differentiable"])
        and all(isinstance(group[name], float | int) for name in ("lr", "momentum", "weight_decay", "dampening"))
        and (step is None or _is_counted(step))
    )


def _is_counted(step: Any) -> bool:
    """Tell whether an optimizer's step is SGD's own, in which a schedule notes that it has been called."""
    return getattr(step, "_wrapped_by_lr_sched", False) and step.__wrapped__ is torch.optim.SGD.step
