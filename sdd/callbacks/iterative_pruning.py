"""The levels of an experiment: their settings, and what is checked of network and Trainer before they are trained."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import lightning.pytorch as pl
import torch

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.callback_order import LevelEnd, place_callbacks
from sdd.callbacks.given_masks import GivenMasks
from sdd.callbacks.lean_loop import use_lean_loop
from sdd.callbacks.level import level_callbacks
from sdd.callbacks.level_driver import LevelDriver, classifier_of
from sdd.callbacks.steps import steps_per_epoch
from sdd.callbacks.trainer_settings import check_trainer, check_trainer_arithmetic
from sdd.errors import UserError
from sdd.models.sparse_linear import ARITHMETICS, check_arithmetic
from sdd.module import Classifier
from sdd.parts import check_choice
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import Pruner
from sdd.pruning.retraining import RETRAININGS
from sdd.pruning.schedules import planned_targets
from sdd.runs.mask_file import MaskFile
from sdd.runs.masks_source import masks_source


class IterativePruning(LevelDriver):
    """Drives a run from the dense network, level 0, through rising sparsities.

    At the end of a level's last epoch every `LevelCallback` measures, then hears all measures. At the start of the
    next epoch, before any other callback hears of it, weights are pruned, the weights of the retraining mode are set,
    and optimizer and schedule restart. Removed weights have no gradient and are exactly zero after every step.

    Each of criterion, scope, schedule and retraining mode is a built-in name or the import path of your own, such as
    my_package.snip; what it takes of its own goes into the setting of the same name with `_args`.

    Args:
        levels: Number of prunings; the run trains one level more, the dense one. Not used with `sparsities`.
        fraction: Fraction of the remaining weights that each level removes, in (0, 1). Not used with `sparsities`.
        sparsities: Rising sparsities in (0, 1] to prune to instead; a single one is one-shot pruning.
        schedule: How much each level removes: `geometric`, `fraction` of the remaining weights at each of `levels`;
            `sparsities`, those listed; or your own, which gets `levels`, `fraction` and `sparsities` where it takes
            them. null: `sparsities` where they are given, else `geometric`.
        schedule_args: Arguments of the schedule's own.
        epochs_per_level: Epochs of every level. `trainer.max_epochs` is linked to it and to the levels.
        criterion: Which weights go: the smallest by `magnitude`, by `gradient` (|w · ∂L/∂w| on `batches` training
            batches, 1 unless said, with their noisy labels), at `random`, fresh at every level, or the `largest` by
            magnitude. Or by the first weights of level 0, whatever the training made of them: `snip`, which is
            `gradient` there (Lee et al. 2019), and `synflow`, without data, in `rounds` a level, 100 unless said
            (Tanaka et al. 2020). With `lottery` and `rewind_steps` 0 that is pruning at initialisation; other modes
            apply the same masks to the weights that they start from.
        criterion_args: Arguments of the criterion's own.
        scope: Rank weights over the network (`global`), in each tensor by itself (`layer`), or in each tensor with
            `rates` of their own, by weight's name, such as {fc.weight: 0.1}; what they do not name loses `fraction`.
        scope_args: Arguments of the scope's own.
        retrain: `lottery`: weights go back to those of level 0 after `rewind_steps` steps; `lr_rewind`: they stay;
            `finetune`: they stay and the rate is `finetune_lr`; `scratch`: a fresh initialisation at every level;
            `redense`: each level starts from that level of the run `masks_from`, its mask is released, and it
            trains on at `redense_lr`; columns `*_before` tell what it started from.
        retrain_args: Arguments of the retraining mode's own.
        rewind_steps: Steps of level 0 after which the weights for `lottery` are kept; 0: the initialisation.
        rewind_schedule: Whether `lottery` and `lr_rewind` take the learning-rate schedule back to step `rewind_steps`
            too, and train the steps that are left (He et al. 2022, A.2); false: later levels train all of it.
        finetune_lr: The constant learning rate of `finetune`.
        redense_lr: That of `redense`; null: the last rate of the schedule.
        frozen: Where removed weights are held: at `zero`, at their `initial` values, or at the `final` ones that
            they had when they were removed.
        masks_from: Folder of a finished run whose masks are used, level by level, instead of pruning; with
            `retrain` `scratch` this asks whether winning tickets win. {seed} in it stands for the training seed.
            On the command line, `auto` is the `lottery` run of the same settings, trained first where it is not
            there; with a `retrain` that takes no masks it means none, unless they are shuffled. Or a file of one mask,
            a dict from weights' names to bool tensors written by torch.save, or an .npz file of such arrays: after the
            dense level, one level is trained under it, from the weights of `retrain`.
        masks_shuffled: Whether the mask of each layer from `masks_from` is permuted at random, by one permutation for
            all levels, which `seed_everything` gives. Each layer keeps as many weights as in the ticket, so these are
            the shuffled masks of Frankle et al. 2021 and as well random masks at the densities of the ticket's layers.
            With any `retrain` but `redense`; with `lottery` the weights are those of this run's own level 0.
        dense_from: Folder of a run whose level 0 is taken over instead of training it, {seed} as above, or `auto`:
            beside this run's folder. It is trained first, once, where it is not there. No number changes by it.
            Read by the command line.
        stop_loss: End a level early, after the first epoch whose mean training loss is at most this; level 0 not
            before `rewind_steps`.
        exclude: Names of weights that are never pruned, such as [fc.weight]; * and ? match as in file names. All other
            weights of linear, convolutional, attention and recurrent layers are pruned.
        arithmetic: How training steps compute the products of linear layers with removed weights, of any network with
            `torch.nn.Linear`, on the CPU: `dense`; `sparse`, by the surviving weights alone; or `auto`, which is sparse
            in each layer where a fixed rule of its sizes says that this is faster. The sums are the same in another
            order, so that curves differ by rounding. `auto` is dense where sparse does not apply: level 0, released or
            frozen weights, lower precision, a GPU.
        seed: Training seed. Linked to `seed_everything` on the command line.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    SECTION = "pruning"
    PLACE: ClassVar[frozenset[str]] = frozenset({"dense_from"})

    def __init__(
        self,
        levels: int = 30,
        fraction: float = 0.2,
        sparsities: Sequence[float] | None = None,
        schedule: str | None = None,
        schedule_args: dict[str, Any] | None = None,
        epochs_per_level: int = 160,
        criterion: str = "magnitude",
        criterion_args: dict[str, Any] | None = None,
        scope: str = "global",
        scope_args: dict[str, Any] | None = None,
        retrain: str = "lottery",
        retrain_args: dict[str, Any] | None = None,
        rewind_steps: int = 0,
        rewind_schedule: bool = True,
        finetune_lr: float = 0.001,
        redense_lr: float | None = None,
        frozen: Literal["zero", "initial", "final"] = "zero",
        masks_from: str | None = None,
        masks_shuffled: bool = False,
        dense_from: str | None = None,
        stop_loss: float | None = None,
        exclude: Sequence[str] = (),
        arithmetic: str = "dense",
        seed: int = 0,
    ) -> None:
        super().__init__()
        targets = planned_targets(schedule, schedule_args, levels=levels, fraction=fraction, sparsities=sparsities)
        self._pruner = Pruner(targets, criterion, criterion_args, scope, scope_args)
        self.criterion, self.scope = criterion, scope
        self.retrain, self._retraining = retrain, RETRAININGS.get(retrain, retrain_args)
        for name, value, minimum in (("epochs_per_level", epochs_per_level, 1), ("rewind_steps", rewind_steps, 0)):
            if value < minimum:
                raise UserError(f"pruning.{name} is {value}; it must be at least {minimum}")
        if not 0 < finetune_lr < math.inf:
            raise UserError(f"pruning.finetune_lr is {finetune_lr}; it must be a number above 0")
        if redense_lr is not None and not 0 < redense_lr < math.inf:
            raise UserError(f"pruning.redense_lr is {redense_lr}; it must be a number above 0, or null")
        if redense_lr is not None and not self._retraining.continues:
            raise UserError(f"pruning.redense_lr is for pruning.retrain redense, not {retrain}: leave it out")
        if stop_loss is not None and not stop_loss > 0:
            raise UserError(f"pruning.stop_loss is {stop_loss}; it must be a number above 0, or null")
        check_choice("pruning.frozen", frozen, ("zero", "initial", "final"))
        check_choice("pruning.arithmetic", arithmetic, ARITHMETICS)
        if arithmetic == "sparse" and (frozen != "zero" or self._retraining.releases):
            kept = (
                f"pruning.retrain {retrain} trains" if self._retraining.releases else f"pruning.frozen {frozen} keeps"
            )
            raise UserError(
                f"pruning.arithmetic sparse leaves removed weights out, but {kept} them: set it to dense or auto"
            )
        self.arithmetic = arithmetic if frozen == "zero" else "dense"
        self.epochs_per_level = epochs_per_level
        self.rewind_steps, self.frozen = rewind_steps, frozen
        self.finetune_lr, self.redense_lr = finetune_lr, redense_lr
        self._rewinds = rewind_schedule and self._retraining.rewinds
        self.dense_from, self.stop_loss, self.exclude, self.seed = dense_from, stop_loss, tuple(exclude), seed
        scheduled, shared = schedule is not None or sparsities is not None, dense_from is not None
        self.source = masks_source(
            masks_from,
            seed,
            retrain,
            self._retraining,
            masks_shuffled=masks_shuffled,
            scheduled=scheduled,
            shared=shared,
        )
        self.given = GivenMasks(self.source, self._retraining, seed, masks_shuffled=masks_shuffled)
        self.last_level = 1 if isinstance(self.source, MaskFile) else len(targets)

    @property
    def max_epochs(self) -> int:
        """Epochs of all levels together."""
        return (self.last_level + 1) * self.epochs_per_level

    def surviving(self, prunable: int) -> list[int]:
        """Return about how many of so many prunable weights a level's file holds, from level 0 on."""
        if self._retraining.releases or self.frozen != "zero" or isinstance(self.source, MaskFile):
            return [prunable] * (self.last_level + 1)
        return self._pruner.surviving(prunable)[: self.last_level + 1]

    def shorten(self) -> None:
        """Train the dense level and the first pruned one for an epoch or two, to try them out."""
        self.rewind_steps = min(self.rewind_steps, 1)
        self.last_level, self.epochs_per_level = min(self.last_level, 1), 1 + self.rewind_steps

    def check(self, pl_module: Classifier) -> None:
        """Find out whether this network can be pruned as asked.

        Raises:
            UserError: `exclude` matches nothing, nothing is prunable, the scope does not fit, fresh weights cannot be
                drawn, or the masks `masks_from` do not fit.
        """
        prunable = prunable_parameters(pl_module.net, self.exclude)
        check_arithmetic(self.arithmetic, pl_module.net, prunable, compiled=pl_module.is_compiled)
        if self._retraining.draws and not pl_module.can_draw:
            raise UserError(
                f"pruning.retrain {self.retrain} needs a network that can be built anew: call draw_from(build)"
            )
        if self.source is None:
            self._pruner.check(prunable)
            return
        self.source.check(self.last_level, prunable)
        if self._retraining.continues and self._run.seed != self.seed:
            raise UserError(
                f"pruning.masks_from {self._run.folder.path} was trained with seed_everything {self._run.seed}: set "
                "the same, so that distance and distance_init are measured from its first weights"
            )

    def check_trainer(self, trainer: pl.Trainer, pl_module: Classifier, batches: int) -> None:
        """Find out whether a Trainer trains whole levels, and whether schedule and rewinding fit their steps.

        Args:
            trainer: Of the run.
            pl_module: Its module.
            batches: Batches of an epoch.

        Raises:
            UserError: It does not, a callback is to measure levels that the run has not, level 0 does not get as far as
                the step to rewind to, or the learning-rate schedule ends before a level does.
        """
        check_trainer(trainer)
        check_trainer_arithmetic(trainer, self.arithmetic)
        for callback in level_callbacks(trainer):
            callback.check_levels(self.last_level)
        steps = steps_per_epoch(trainer, batches)
        self.check_steps(steps * self.epochs_per_level)
        if not self._retraining.continues:
            pl_module.last_rate(self.epochs_per_level, steps)

    def check_steps(self, steps: int) -> None:
        """Find out whether level 0 gets as far as the step to rewind to.

        Args:
            steps: Optimizer steps of a level.

        Raises:
            UserError: It does not.
        """
        if self.rewind_steps > steps:
            raise UserError(f"pruning.rewind_steps is {self.rewind_steps}, but a level has only {steps} steps")
        if self._rewinds and self.rewind_steps == steps and self.last_level:
            raise UserError(
                f"pruning.rewind_steps is {self.rewind_steps}, all steps of a level, so that later levels would train "
                "none; set fewer, or --pruning.rewind_schedule false to train the whole schedule again"
            )

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the module masks to hold, so that a checkpoint's can be loaded into them."""
        module = classifier_of(pl_module)
        self.check(module)
        parameters = prunable_parameters(module.net, self.exclude)
        module.set_masks({name: torch.ones_like(value, dtype=torch.bool) for name, value in parameters.items()})
        if stage != "fit":
            return
        self.check_trainer(trainer, module, len(data_of(trainer).train_dataloader()))
        left_out = self.last_level * self._begin(trainer, self.last_level).epoch
        if trainer.max_epochs not in (self.max_epochs, self.max_epochs - left_out):
            raise UserError(
                f"trainer.max_epochs is {trainer.max_epochs}, but {self.last_level + 1} levels of "
                f"{self.epochs_per_level} epochs take {self.max_epochs}; leave it unset on the command line, and in "
                "Python set it to max_epochs of the IterativePruning"
            )
        trainer.fit_loop.max_epochs = self.max_epochs - left_out
        place_callbacks(trainer, first=self, last=LevelEnd(self._end_epoch, self._open.close))
        use_lean_loop(trainer)
        self._set_rate(trainer, module, level=0)
