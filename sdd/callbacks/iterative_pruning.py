"""The levels of an experiment inside one `fit`: train, measure, prune, set the weights, train again."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.level import Level, LevelCallback
from sdd.data.loader import TrainLoader
from sdd.errors import UserError
from sdd.module import Classifier, diverged
from sdd.pruning.criteria import Criterion, importance
from sdd.pruning.masks import Masks, count_remaining, prunable_parameters, sparsity
from sdd.pruning.retraining import Frozen, Retrain, State, start_state
from sdd.pruning.schedule import Schedule, Scope, prune
from sdd.runs.trained_levels import TrainedLevels
from sdd.seeding import derive_seed, torch_generator

# These treat each weight by itself and from a fresh state, so that a weight of zero without gradient, decayed or not,
# stays exactly zero; after any other optimizer, and for weights frozen elsewhere, masks are applied at every step.
_KEEP_ZERO = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop)


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
            with their noisy labels), at `random`, fresh at every level, or the `largest` by magnitude.
        gradient_batches: Training batches for the criterion `gradient`.
        scope: Rank weights over the network (`global`) or in each tensor by itself (`layer`).
        retrain: `lottery`: weights go back to those of level 0 after `rewind_steps` steps; `lr_rewind`: they stay;
            `finetune`: they stay and the rate is `finetune_lr`; `scratch`: a fresh initialisation at every level;
            `redense`: each level starts from that level of the run `masks_from`, its mask is released, and it
            trains on at the last rate of the schedule; columns `*_before` tell what it started from.
        rewind_steps: Steps of level 0 after which the weights for `lottery` are kept; 0: the initialisation.
        finetune_lr: The constant learning rate of `finetune`.
        frozen: Where removed weights are held: at `zero`, at their `initial` values, or at the `final` ones that
            they had when they were removed.
        masks_from: Folder of a finished run whose masks are used, level by level, instead of pruning; with
            `retrain` `scratch` this asks whether winning tickets win. {seed} in it stands for the training seed.
            On the command line, `auto` is the `lottery` run of the same settings, trained first where it is not
            there; with a `retrain` that takes no masks it means none.
        dense_from: Folder of a run whose level 0 is taken over instead of training it, {seed} as above, or `auto`:
            beside this run's folder. It is trained first, once, where it is not there. No number changes by it.
            Read by the command line.
        stop_loss: End a level early, after the first epoch whose mean training loss is at most this.
        exclude: Names of weights that are never pruned, such as [fc.weight]; * and ? match as in file names.
        seed: Training seed. Linked to `seed_everything` on the command line.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    PLACE: ClassVar[frozenset[str]] = frozenset({"dense_from"})

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
        frozen: Frozen = "zero",
        masks_from: str | None = None,
        dense_from: str | None = None,
        stop_loss: float | None = None,
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
        if stop_loss is not None and stop_loss <= 0:
            raise UserError(f"pruning.stop_loss is {stop_loss}; it must be above 0, or null")
        if masks_from is None and retrain == "redense":
            raise UserError("pruning.retrain redense trains the levels of a finished run on: set --pruning.masks_from")
        if masks_from is not None and retrain not in {"scratch", "redense"}:
            raise UserError(
                f"pruning.masks_from asks for weights that do not come from this run's levels: set "
                f"--pruning.retrain to scratch or redense, not {retrain}"
            )
        if masks_from is not None and dense_from is not None:
            raise UserError(
                "pruning.masks_from and pruning.dense_from exclude each other: a run under the masks of another has no "
                "dense level of its own to share"
            )
        self.frozen: Frozen = frozen
        self.dense_from = dense_from
        self.source = None if masks_from is None else TrainedLevels(masks_from.replace("{seed}", str(seed)))
        self.stop_loss = stop_loss
        self.exclude = tuple(exclude)
        self.seed = seed
        self.level = 0
        self._first_epoch = 0
        self._level_done = False
        self._initial: State = {}
        self._rewind: State = {}
        self._start: State = {}
        self._released: tuple[int, Masks] | None = None
        self._masked: list[tuple[nn.Parameter, Tensor, Tensor | None]] = []
        self._optimizer_holds = False

    @property
    def max_epochs(self) -> int:
        """Epochs of all levels together."""
        return (self.schedule.last_level + 1) * self.epochs_per_level

    def check(self, pl_module: Classifier) -> None:
        """Find out whether this network can be pruned as asked.

        Raises:
            UserError: `exclude` matches nothing, nothing is prunable, `scratch` cannot draw fresh weights, or the
                run `masks_from` does not fit.
        """
        prunable = prunable_parameters(pl_module.net, self.exclude)
        if self.retrain == "scratch" and not pl_module.can_draw:
            raise UserError("pruning.retrain scratch needs a network that can be built anew: call draw_from(build)")
        if self.source is None:
            return
        self.source.check(self.schedule.last_level, prunable)
        if self.retrain == "redense" and self.source.settings["seed_everything"] != self.seed:
            raise UserError(
                f"pruning.masks_from {self.source.folder.path} was trained with seed_everything "
                f"{self.source.settings['seed_everything']}: set the same, so that distance_init is measured from "
                "its first weights"
            )

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
        if stage != "fit":
            return
        if trainer.max_epochs != self.max_epochs:
            raise UserError(
                f"trainer.max_epochs is {trainer.max_epochs}, but {self.schedule.last_level + 1} levels of "
                f"{self.epochs_per_level} epochs take {self.max_epochs}; leave it unset on the command line"
            )
        self._set_rate(trainer, module, level=0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the initial weights, unless a checkpoint brought them."""
        module = _classifier(pl_module)
        self.check_steps(len(_train_loader(trainer)), trainer.accumulate_grad_batches)
        if not self._initial:
            self._initial = _copy(module.net)
            if self.rewind_steps == 0:
                self._rewind = self._initial
            self._start = self.source.weights(0) if self.source and self.retrain == "redense" else self._initial
            module.net.load_state_dict(self._start)
        self._prepare(trainer, module)
        if self._level_done and self.level == self.schedule.last_level:
            trainer.should_stop = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the next level where the last one is complete, and place this epoch's random draws."""
        module = _classifier(pl_module)
        if self._level_done:
            self._begin_level(trainer, module, self.level + 1)
        epoch = trainer.current_epoch - self._first_epoch
        if epoch == 0:
            for callback in _level_callbacks(trainer):
                callback.on_level_start(trainer, module, self._describe(module))
        _train_loader(trainer).position = (self.level, epoch)
        # For draws inside the network, such as dropout.
        torch.manual_seed(derive_seed(self.seed, "network", self.level, epoch, trainer.global_rank))

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Take the gradient of removed weights away, before it is clipped."""
        for parameter, mask, _ in self._masked:
            if parameter.grad is not None:
                parameter.grad.mul_(mask)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Hold removed weights, and keep the weights to rewind to when their step has come."""
        if not self._optimizer_holds:
            with torch.no_grad():
                for parameter, mask, held in self._masked:
                    parameter.mul_(mask)
                    if held is not None:
                        parameter.add_(held)
        if not self._rewind and trainer.global_step == self.rewind_steps:
            self._rewind = _copy(_classifier(pl_module).net)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At a level's end, let everybody measure, then hear."""
        module = _classifier(pl_module)
        module.close_epoch()
        level, epoch = self._describe(module), trainer.current_epoch - self._first_epoch
        for callback in _level_callbacks(trainer):
            callback.on_level_epoch_end(trainer, module, level, epoch)
        learnt = self.stop_loss is not None and module.epoch_loss <= self.stop_loss
        self._level_done = learnt or epoch + 1 == self.epochs_per_level
        if not self._level_done:
            return
        measures: dict[str, float] = {}
        for callback in _level_callbacks(trainer):
            measures |= callback.measure_level(trainer, module, level)
        if not math.isfinite(measures.get("train_loss", 0.0)):
            raise diverged(f"at the end of level {level.level}", measures["train_loss"])
        for callback in _level_callbacks(trainer):
            callback.on_level_end(trainer, module, level, measures)
        if level.last:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs: level, first weights, weights to rewind to, weights of the start."""
        return {
            "level": self.level,
            "first_epoch": self._first_epoch,
            "level_done": self._level_done,
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
            self._set_rate(trainer, _classifier(pl_module), state["level"])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a run where it was left."""
        self.level, self._first_epoch = state_dict["level"], state_dict["first_epoch"]
        self._level_done = state_dict["level_done"]
        self._initial, self._rewind = state_dict["initial"], state_dict["rewind"]
        self._start = state_dict["start"]

    def _begin_level(self, trainer: pl.Trainer, module: Classifier, level: int) -> None:
        trained = _copy(module.net)
        if self.source is None:
            masks = self._prune(trainer, module, level)
        elif self.retrain == "redense":
            masks, trained = module.masks, self.source.weights(level)
        else:
            masks = self.source.masks(level)
        self.level, self._first_epoch, self._level_done = level, trainer.current_epoch, False
        module.set_masks(masks)
        self._start = start_state(
            self.retrain,
            trained,
            self._rewind,
            fresh=lambda: module.fresh_network(level).state_dict(),
            masks={name: mask.cpu() for name, mask in masks.items()},
            frozen={"zero": None, "initial": self._initial, "final": trained}[self.frozen],
        )
        module.net.load_state_dict(self._start)
        self._set_rate(trainer, module, level)
        trainer.strategy.setup_optimizers(trainer)
        self._prepare(trainer, module)

    def _prune(self, trainer: pl.Trainer, module: Classifier, level: int) -> Masks:
        """Prune once more; all processes take the masks of the first one."""
        torch.manual_seed(derive_seed(self.seed, "gradient pruning", level))
        scores = importance(
            self.criterion,
            module.net,
            prunable_parameters(module.net, self.exclude),
            batches=lambda: data_of(trainer).draw_batches(
                self.gradient_batches, torch_generator(self.seed, "gradient batches", level)
            ),
            generator=torch_generator(self.seed, "random pruning", level),
        )
        masks = prune(scores, module.masks, self.schedule, level, self.scope)
        if trainer.world_size > 1:
            masks = trainer.strategy.broadcast(masks)
        return masks

    def _set_rate(self, trainer: pl.Trainer, module: Classifier, level: int) -> None:
        module.constant_lr = None
        if self.retrain == "finetune" and level > 0:
            module.constant_lr = self.finetune_lr
        elif self.retrain == "redense":
            assert self.source is not None
            epochs = self.source.settings["pruning.epochs_per_level"]
            module.constant_lr = module.last_rate(epochs, len(data_of(trainer).train_dataloader()))

    def _prepare(self, trainer: pl.Trainer, module: Classifier) -> None:
        """Pair each pruned weight with its mask in the weight's own type, the fastest to multiply with."""
        plain = all(type(optimizer) in _KEEP_ZERO for optimizer in trainer.optimizers)
        self._optimizer_holds = plain and self.frozen == "zero"
        parameters, masks = prunable_parameters(module.net, self.exclude), module.masks
        self._masked = []
        for name, parameter in parameters.items():
            if not bool(masks[name].all()):
                held = self._start[name].to(parameter.device).masked_fill(masks[name], 0)
                mask = masks[name].to(parameter.dtype)
                self._masked.append((parameter, mask, None if self.frozen == "zero" else held))
        if module.distance_penalty:
            module.starts = [
                (parameter, self._start[name].to(parameter.device))
                for name, parameter in module.net.named_parameters()
                if parameter.requires_grad
            ]

    def _describe(self, module: Classifier) -> Level:
        masks = module.masks
        released = self.source is not None and self.retrain == "redense"
        counted = self._source_masks() if released else masks
        return Level(
            level=self.level,
            last_level=self.schedule.last_level,
            sparsity=sparsity(counted),
            remaining=count_remaining(counted),
            released=released,
            initial=self._initial,
            start=self._start,
            masks=masks,
        )

    def _source_masks(self) -> Masks:
        assert self.source is not None
        if self._released is None or self._released[0] != self.level:
            self._released = (self.level, self.source.masks(self.level))
        return self._released[1]


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
