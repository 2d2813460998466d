"""The levels of an experiment inside one `fit`: train, measure, prune, set the weights, train again."""

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.level import Level, LevelCallback
from sdd.data.loader import TrainLoader
from sdd.draws import derive_seed, torch_generator
from sdd.errors import UserError
from sdd.module import Classifier, diverged
from sdd.pruning.criteria import Criterion, gradient_scores, magnitude_scores, random_scores
from sdd.pruning.masks import (
    Masks,
    count_remaining,
    prunable_parameters,
    sparsity,
)
from sdd.pruning.retrain import Retrain, State, start_state
from sdd.pruning.schedule import Schedule, Scope, prune


class IterativePruning(pl.Callback):
    """Drives a run from the dense network, level 0, through rising sparsities.

    At the end of a level's last epoch every `LevelCallback` measures, then hears all measures. At the start of the
    next epoch weights are pruned, the weights of the retraining mode are set, and optimizer and schedule restart.
    Removed weights have no gradient and are exactly zero after every step.

    Args:
        levels: Number of prunings; the run trains one level more, the dense one. Not used with `sparsities`.
        fraction: Share of the remaining weights that each level removes, in (0, 1).
        sparsities: Rising sparsities in (0, 1] to prune to instead; a single one is one-shot pruning.
        epochs_per_level: Epochs of every level. `trainer.max_epochs` is linked to it and to the levels.
        criterion: Which weights go: the smallest by `magnitude`, by `gradient` (|w · ∂L/∂w| on training batches
            with their noisy labels), or at `random`, fresh at every level.
        gradient_batches: Training batches for the criterion `gradient`.
        scope: Rank weights over the network (`global`) or in each tensor by itself (`layer`).
        retrain: `lottery`: weights go back to those of level 0 after `rewind_steps` steps; `lr_rewind`: they stay;
            `finetune`: they stay and the rate is `finetune_lr`; `scratch`: a fresh initialisation at every level.
        rewind_steps: Steps of level 0 after which the weights for `lottery` are kept; 0: the initialisation.
        finetune_lr: The constant learning rate of `finetune`.
        exclude: Names of weights that are never pruned, such as [fc.weight]; * and ? match as in file names.
        seed: Training seed. Linked to `seed_everything` on the command line.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    def __init__(
        self,
        levels: int = 30,
        fraction: float = 0.2,
        sparsities: Sequence[float] | None = None,
        epochs_per_level: int = 160,
        criterion: Criterion = "magnitude",
        gradient_batches: int = 1,
        scope: Scope = "global",
        retrain: Retrain = "lottery",
        rewind_steps: int = 0,
        finetune_lr: float = 0.001,
        exclude: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        self.schedule = Schedule(levels, fraction, sparsities)
        minimums = {
            "epochs_per_level": (epochs_per_level, 1),
            "gradient_batches": (gradient_batches, 1),
            "rewind_steps": (rewind_steps, 0),
        }
        for name, (value, minimum) in minimums.items():
            if value < minimum:
                raise UserError(f"pruning.{name} is {value}; it must be at least {minimum}")
        if finetune_lr <= 0:
            raise UserError(f"pruning.finetune_lr is {finetune_lr}; it must be above 0")
        self.epochs_per_level = epochs_per_level
        self.criterion: Criterion = criterion
        self.gradient_batches = gradient_batches
        self.scope: Scope = scope
        self.retrain: Retrain = retrain
        self.rewind_steps, self.finetune_lr = rewind_steps, finetune_lr
        self.exclude = tuple(exclude)
        self.seed = seed
        self.level = 0
        self._initial: State = {}
        self._rewind: State = {}
        self._start: State = {}
        self._masked: list[tuple[nn.Parameter, Tensor]] = []

    @property
    def max_epochs(self) -> int:
        """Epochs of all levels together."""
        return (self.schedule.last_level + 1) * self.epochs_per_level

    def check(self, pl_module: Classifier) -> None:
        """Find out whether this network can be pruned as asked.

        Raises:
            UserError: `exclude` matches nothing, nothing is prunable, or `scratch` cannot draw fresh weights.
        """
        prunable_parameters(pl_module.net, self.exclude)
        if self.retrain == "scratch" and not pl_module.can_draw:
            raise UserError("pruning.retrain scratch needs a network that can be built anew: call draw_from(build)")

    def check_steps(self, batches: int, accumulate_grad_batches: int = 1) -> None:
        """Find out whether level 0 gets as far as the step to rewind to.

        Args:
            batches: Batches of an epoch.
            accumulate_grad_batches: Batches of an optimizer step.

        Raises:
            UserError: It does not.
        """
        steps = -(-batches // accumulate_grad_batches) * self.epochs_per_level
        if self.rewind_steps > steps:
            raise UserError(f"pruning.rewind_steps is {self.rewind_steps}, but a level has only {steps} steps")

    # Lightning's hooks, in the order of their calls.

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the module masks to hold, so that a checkpoint's can be loaded into them."""
        module = _classifier(pl_module)
        self.check(module)
        parameters = prunable_parameters(module.net, self.exclude)
        module.set_masks({name: torch.ones_like(value, dtype=torch.bool) for name, value in parameters.items()})
        if stage == "fit" and trainer.max_epochs != self.max_epochs:
            raise UserError(
                f"trainer.max_epochs is {trainer.max_epochs}, but {self.schedule.last_level + 1} levels of "
                f"{self.epochs_per_level} epochs take {self.max_epochs}; leave it unset on the command line"
            )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the initial weights, unless a checkpoint brought them."""
        module = _classifier(pl_module)
        self.check_steps(len(_train_loader(trainer)), trainer.accumulate_grad_batches)
        if not self._initial:
            self._initial = _copy(module.net)
            self._start = self._initial
            if self.rewind_steps == 0:
                self._rewind = self._initial
        self._prepare_masks(module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the next level where the last one is complete, and place this epoch's random draws."""
        module = _classifier(pl_module)
        level, epoch = divmod(trainer.current_epoch, self.epochs_per_level)
        if level > self.level:
            self._begin_level(trainer, module, level)
        if epoch == 0:
            for callback in _level_callbacks(trainer):
                callback.on_level_start(trainer, module, self._describe(module))
        _train_loader(trainer).position = (level, epoch)
        # For draws inside the network, such as dropout.
        torch.manual_seed(derive_seed(self.seed, "network", level, epoch, trainer.global_rank))

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Take the gradient of removed weights away, before it is clipped."""
        for parameter, mask in self._masked:
            if parameter.grad is not None:
                parameter.grad.mul_(mask)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Hold removed weights at zero, and keep the weights to rewind to when their step has come."""
        with torch.no_grad():
            for parameter, mask in self._masked:
                parameter.mul_(mask)
        if not self._rewind and trainer.global_step == self.rewind_steps:
            self._rewind = _copy(_classifier(pl_module).net)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At a level's end, let everybody measure, then hear."""
        module = _classifier(pl_module)
        module.close_epoch()
        if (trainer.current_epoch + 1) % self.epochs_per_level:
            return
        level = self._describe(module)
        measures: dict[str, float] = {}
        for callback in _level_callbacks(trainer):
            measures |= callback.measure_level(trainer, module, level)
        loss = measures.get("train_loss", 0.0)
        if not torch.isfinite(torch.tensor(loss)):
            raise diverged(f"at the end of level {level.level}", loss)
        for callback in _level_callbacks(trainer):
            callback.on_level_end(trainer, module, level, measures)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs: level, first weights, weights to rewind to, weights of the start."""
        return {
            "level": self.level,
            "initial": self._initial,
            "rewind": self._rewind,
            "start": self._start,
        }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Know the level before optimizer and schedule are made, which fine-tuning levels do differently."""
        state = checkpoint["callbacks"].get(self.state_key)
        if state is not None:
            self._set_rate(_classifier(pl_module), state["level"])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a run where it was left."""
        self.level = state_dict["level"]
        self._initial, self._rewind = state_dict["initial"], state_dict["rewind"]
        self._start = state_dict["start"]

    def _begin_level(self, trainer: pl.Trainer, module: Classifier, level: int) -> None:
        self.level = level
        masks = self._next_masks(trainer, module, level)
        module.set_masks(masks)
        self._start = start_state(
            self.retrain,
            trained=lambda: _copy(module.net),
            rewind=self._rewind,
            fresh=lambda: module.fresh_network(level).state_dict(),
            masks={name: mask.cpu() for name, mask in masks.items()},
        )
        module.net.load_state_dict(self._start)
        self._set_rate(module, level)
        trainer.strategy.setup_optimizers(trainer)
        self._prepare_masks(module)

    def _next_masks(self, trainer: pl.Trainer, module: Classifier, level: int) -> Masks:
        """Prune once more; all processes take the masks of the first one."""
        parameters = prunable_parameters(module.net, self.exclude)
        if self.criterion == "magnitude":
            scores = magnitude_scores(parameters)
        elif self.criterion == "random":
            scores = random_scores(parameters, torch_generator(self.seed, "random pruning", level))
        else:
            train = data_of(trainer).split("train")
            order = torch.randperm(
                len(train.labels), generator=torch_generator(self.seed, "gradient batches", level)
            ).to(train.labels.device)
            size, view = data_of(trainer).batch_size, data_of(trainer).view()
            batches = (
                (view.plain(train.images[index]), train.labels[index])
                for index in order.split(size)[: self.gradient_batches]
            )
            torch.manual_seed(derive_seed(self.seed, "gradient pruning", level))
            scores = gradient_scores(module.net, parameters, batches)
        masks = prune(scores, module.masks, self.schedule, level, self.scope)
        if trainer.world_size > 1:
            masks = trainer.strategy.broadcast(masks)
        return masks

    def _set_rate(self, module: Classifier, level: int) -> None:
        module.constant_lr = self.finetune_lr if self.retrain == "finetune" and level > 0 else None

    def _prepare_masks(self, module: Classifier) -> None:
        """Pair each pruned weight with its mask in the weight's own type, the fastest to multiply with."""
        parameters, masks = prunable_parameters(module.net, self.exclude), module.masks
        self._masked = [
            (parameter, masks[name].to(parameter.dtype))
            for name, parameter in parameters.items()
            if not bool(masks[name].all())
        ]

    def _describe(self, module: Classifier) -> Level:
        masks = module.masks
        return Level(self.level, sparsity(masks), count_remaining(masks), self._initial, self._start, masks)


def _classifier(module: pl.LightningModule) -> Classifier:
    if not isinstance(module, Classifier):
        raise TypeError(f"IterativePruning drives a Classifier, not a {type(module).__name__}")
    return module


def _train_loader(trainer: pl.Trainer) -> TrainLoader:
    loader: object = trainer.train_dataloader
    if not isinstance(loader, TrainLoader):
        raise TypeError(f"IterativePruning needs the loader of NoisyLabelData, not a {type(loader).__name__}")
    return loader


def _level_callbacks(trainer: pl.Trainer) -> list[LevelCallback]:
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [callback for callback in callbacks if isinstance(callback, LevelCallback)]


def _copy(net: nn.Module) -> State:
    """Copy parameters and buffers to the CPU."""
    return {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}
