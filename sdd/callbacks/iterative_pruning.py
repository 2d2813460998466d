"""The levels of an experiment inside one `fit`: train, measure, prune, set the weights, train again."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Literal

import lightning.pytorch as pl
import torch

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.callback_order import LevelEnd, place_callbacks
from sdd.callbacks.given_masks import GivenMasks
from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.callbacks.lean_loop import use_lean_loop
from sdd.callbacks.level import Level, level_callbacks
from sdd.callbacks.masking import Masking
from sdd.callbacks.measuring import measure_all
from sdd.callbacks.missing_measures import measure_missing
from sdd.callbacks.python_run import python_run
from sdd.callbacks.steps import Begin, begin_at, steps_per_epoch
from sdd.callbacks.taken_part import check_unused, note_used
from sdd.callbacks.trainer_settings import check_trainer, check_trainer_arithmetic
from sdd.console import say
from sdd.data.loader import TrainLoader
from sdd.errors import UserError
from sdd.failures import naming
from sdd.models.sparse_linear import ARITHMETICS, check_arithmetic, sparse_linears
from sdd.models.state import Copies, State, load_state, once_each, state_of
from sdd.module import Classifier
from sdd.parts import check_choice
from sdd.pruning.criteria import Scoring
from sdd.pruning.masks import Masks, count_remaining, mask_state, remaining_fraction, sparsity
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import Pruner
from sdd.pruning.retraining import RETRAININGS, Rates, Restart, start_state
from sdd.pruning.schedules import planned_targets
from sdd.runs.mask_file import MaskFile
from sdd.runs.masks_source import masks_source
from sdd.runs.trained_levels import StoredLevels, TrainedLevels
from sdd.seeding import derive_seed, seed_draws, torch_generator


class IterativePruning(IdleAtSteps):
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
        self.level = 0
        self._first_epoch = 0
        self._level_done = False
        self._initial: State = {}
        self._rewind: State = {}
        self._start: State = {}
        self._masking = Masking({}, {}, None, [])
        self._described: Level
        self._open = ExitStack()
        self._computed_sparsely: list[str] = []

    @property
    def max_epochs(self) -> int:
        """Epochs of all levels together."""
        return (self.last_level + 1) * self.epochs_per_level

    @property
    def complete(self) -> bool:
        """Whether the last level is trained."""
        return self._level_done and self.level == self.last_level

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

    # Lightning's hooks, in the order of their calls.

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the module masks to hold, so that a checkpoint's can be loaded into them."""
        module = _classifier(pl_module)
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

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Claim the folder, where nobody has; measure levels that lack what is switched on now.

        Raises:
            UserError: The folder holds another run, callbacks have driven one, or masks from elsewhere have changed.
        """
        module = _classifier(pl_module)
        check_unused(trainer)
        self._open.enter_context(python_run(trainer, module, self.dense_from))
        note_used(trainer)
        self.given.check_unchanged(self.level, module.masks, self.last_level)
        here = self.level, self._start
        measure_missing(self, trainer, module)
        self.level, self._start = here

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the initial weights, unless a checkpoint brought them."""
        module = _classifier(pl_module)
        if not self._initial:
            self._initial = state_of(module.net)
            if self.rewind_steps == 0:
                self._rewind = self._initial
            self._start = self._initial
            if self._retraining.continues:
                self._start = self._restart(module, 0, module.masks, self._run.weights(0))
            load_state(module.net, self._start)
        if not self._level_done:
            epochs = range(self._begin(trainer, self.level).epoch, trainer.current_epoch - self._first_epoch)
            for callback in level_callbacks(trainer):
                callback.check_begun(self.level, epochs)
            self._prepare(trainer, module)
        if self.complete:
            trainer.should_stop = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the next level where the last one is complete, and place this epoch's random draws."""
        module = _classifier(pl_module)
        begins = self._level_done or trainer.current_epoch == 0
        if self._level_done:
            self._begin_level(trainer, module, self.level + 1)
        if begins:
            for callback in level_callbacks(trainer):
                with naming(type(callback).__name__):
                    callback.on_level_start(trainer, module, self._described)
        epoch, loader = trainer.current_epoch - self._first_epoch, _train_loader(trainer)
        loader.position = (self.level, epoch)
        loader.window = self._begin(trainer, self.level).window if begins else slice(None)
        if loader.window != slice(None):
            # A resumed fit has counted the batches of its first epoch by now.
            iter(trainer.fit_loop._data_fetcher)  # type: ignore[arg-type]
        # For draws inside the network, such as dropout.
        seed_draws(trainer.strategy.root_device, self.seed, "network", self.level, epoch, trainer.global_rank)

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Take the gradient of removed weights away, before it is clipped."""
        self._masking.mask_gradients()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Hold removed weights, and keep the weights to rewind to when their step has come."""
        self._masking.hold_weights()
        if not self._rewind and trainer.global_step == self.rewind_steps:
            self._rewind = state_of(_classifier(pl_module).net)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let what watches the epochs of a level measure, before any other callback hears of the epoch's end."""
        module = _classifier(pl_module)
        _check_whole(trainer)
        module.close_epoch(self.level)
        self._say_computed_sparsely(trainer, module)
        epoch = trainer.current_epoch - self._first_epoch
        for callback in level_callbacks(trainer):
            with naming(type(callback).__name__):
                callback.on_level_epoch_end(trainer, module, self._described, epoch)

    def _end_epoch(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At a level's end, let everybody measure, then hear; called when all callbacks are done with the epoch."""
        module = _classifier(pl_module)
        callbacks, level = level_callbacks(trainer), self._described
        epoch = trainer.current_epoch - self._first_epoch
        learnt = self.stop_loss is not None and module.epoch_loss <= self.stop_loss and bool(self._rewind)
        self._level_done = learnt or epoch + 1 == self.epochs_per_level
        if not self._level_done:
            return
        self._check_removed()
        measures = measure_all(callbacks, trainer, module, level)
        for callback in callbacks:
            with naming(type(callback).__name__):
                callback.on_level_end(trainer, module, level, measures)
        if level.last:
            trainer.should_stop = True

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Leave the folder to others."""
        self._open.close()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs: level, first weights, those to rewind to, of a level in work its start."""
        return {
            "level": self.level,
            "first_epoch": self._first_epoch,
            "level_done": self._level_done,
            "initial": self._initial,
            "rewind": self._rewind,
            "start": {} if self._level_done else self._start,
            "given": self.given.state_dict(),
        }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Know the level before optimizer and schedule are made, which some retraining modes do differently."""
        state = checkpoint["callbacks"].get(self.state_key)
        if state is not None:
            self._set_rate(trainer, _classifier(pl_module), state["level"])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a run where it was left."""
        self.level, self._first_epoch = state_dict["level"], state_dict["first_epoch"]
        self._level_done = state_dict["level_done"]
        self._initial, self._rewind = state_dict["initial"], state_dict["rewind"]
        self._start = state_dict["start"]
        self.given.load_state_dict(state_dict.get("given", ()))

    # What the levels are.

    def describe(self, module: Classifier) -> Level:
        """Return what is known of the level that the module is in."""
        masks = module.masks
        released = self._retraining.releases
        counted = self._run.masks(self.level) if released else masks
        return Level(
            level=self.level,
            last_level=self.last_level,
            sparsity=sparsity(counted),
            remaining=count_remaining(counted),
            remaining_fraction=remaining_fraction(counted),
            released=released,
            initial=Copies(self._initial),
            start=Copies(self._start),
            masks=Copies(masks),
        )

    def stored_level(self, module: Classifier, levels: StoredLevels, number: int) -> Level:
        """Put the module into the state of a level of this run that was stored, and return what is known of it.

        Args:
            module: The run's module, whose network and masks are replaced.
            levels: The run's levels; those before `number` must be there too.
            number: Of the level.

        Raises:
            ValueError: The callback has not got the run's first weights, as it has from any of its checkpoints.
        """
        if not self._initial or (number > 0 and not self._rewind):
            raise ValueError("stored_level needs the run's first weights: load a checkpoint of the run first")
        masks = levels.masks(number)
        if self._retraining.continues:
            self._start = self._restart(module, number, masks, self._run.weights(number))
        elif number == 0:
            self._start = self._initial
        else:
            self._start = self._restart(module, number, masks, levels.weights(number - 1))
        self.level = number
        module.set_masks(masks)
        module.net.load_state_dict(levels.weights(number))
        self._masking = self._mask(module, [])
        self._check_removed()
        return self.describe(module)

    def _begin_level(self, trainer: pl.Trainer, module: Classifier, level: int) -> None:
        trained = state_of(module.net)
        masks = self.given.masks(level, module.masks)
        if masks is None:
            masks = self._prune(trainer, module, level)
        if self._retraining.continues:
            trained = self._run.weights(level)
        self.level, self._level_done = level, False
        self._first_epoch = trainer.current_epoch - self._begin(trainer, level).epoch
        module.set_masks(masks)
        self._start = self._restart(module, level, masks, trained)
        load_state(module.net, self._start)
        module.zero_grad()  # of other weights
        self._set_rate(trainer, module, level)
        trainer.strategy.setup_optimizers(trainer)
        self._prepare(trainer, module)

    def _prune(self, trainer: pl.Trainer, module: Classifier, level: int) -> Masks:
        """Prune once more; all processes take the masks of the first one. The network's weights may be others then."""
        if self._pruner.at_initialisation:
            load_state(module.net, mask_state(self._initial, {name: mask.cpu() for name, mask in module.masks.items()}))
        torch.manual_seed(derive_seed(self.seed, "gradient pruning", level))
        scoring = Scoring(
            net=module.net,
            parameters=prunable_parameters(module.net, self.exclude),
            masks=module.masks,
            batches=lambda count: data_of(trainer).draw_batches(
                count, torch_generator(self.seed, "gradient batches", level)
            ),
            generator=torch_generator(self.seed, "random pruning", level),
            loss=module.loss,
        )
        masks = self._pruner.masks(level, scoring)
        if trainer.world_size > 1:
            masks = trainer.strategy.broadcast(masks)
        return masks

    def _restart(self, module: Classifier, level: int, masks: Masks, trained: State) -> State:
        """Return what a level starts from."""
        restart = Restart(
            level=level,
            trained=once_each(module.net, trained),
            rewind=self._rewind,
            initial=self._initial,
            fresh=lambda: state_of(module.fresh_network(level)),
            masks={name: mask.cpu() for name, mask in masks.items()},
        )
        frozen = {"zero": None, "initial": self._initial, "final": trained}[self.frozen]
        return start_state(self.retrain, self._retraining, restart, frozen)

    def _set_rate(self, trainer: pl.Trainer, module: Classifier, level: int) -> None:
        def last_rate() -> float:
            epochs = self._run.epochs_per_level if self._retraining.continues else self.epochs_per_level
            return module.last_rate(epochs, steps_per_epoch(trainer, len(data_of(trainer).train_dataloader())))

        module.constant_lr, begin = None, self._begin(trainer, level)
        module.schedule_start = begin.epoch if module.lr_interval == "epoch" else begin.step
        with naming(f"pruning.retrain {self.retrain}"):
            module.constant_lr = self._retraining.rate(Rates(level, self.finetune_lr, last_rate, self.redense_lr))

    def _begin(self, trainer: pl.Trainer, level: int) -> Begin:
        """Return where in its schedule a level begins."""
        rewound = self.rewind_steps if level and self._rewinds else 0
        return begin_at(trainer, rewound, len(data_of(trainer).train_dataloader()))

    def _prepare(self, trainer: pl.Trainer, module: Classifier) -> None:
        """Place and hold the removed weights, and pair each weight with its start for the distance penalty."""
        self._masking = self._mask(module, trainer.optimizers)
        self._masking.place_weights()
        self._described = self.describe(module)
        module.sparse_linears = sparse_linears(self.arithmetic, module.net, module.masks)
        if module.distance_penalty:
            module.starts = [
                (parameter, self._start[name].to(parameter.device))
                for name, parameter in module.net.named_parameters()
                if parameter.requires_grad
            ]

    def _mask(self, module: Classifier, optimizers: Sequence[torch.optim.Optimizer]) -> Masking:
        """Return what holds the removed weights of the module's level."""
        frozen = None if self.frozen == "zero" else self._start
        return Masking(prunable_parameters(module.net, self.exclude), module.masks, frozen, optimizers)

    def _say_computed_sparsely(self, trainer: pl.Trainer, module: Classifier) -> None:
        """Say which layers compute by their surviving weights alone, where they are others than before."""
        names = module.sparse_linears.used
        if names != self._computed_sparsely and trainer.is_global_zero:
            say(f"level {self.level}: sparse arithmetic for {', '.join(names) or 'no layer'}", error=True)
        self._computed_sparsely = names

    def _check_removed(self) -> None:
        """Count the removed weights that are where they belong, before anything is measured of a level.

        Raises:
            UserError: Some are not, so that the level would not have the sparsity that is said of it.
        """
        for name, count in self._masking.moved().items():
            raise UserError(
                f"level {self.level}: {count:,} removed weights of {name} are not at their frozen values "
                f"(pruning.frozen {self.frozen}) at its end, so the network has not the sparsity that its masks say; "
                "something else than the optimizer has set them, a callback or the network itself: leave it out"
            )

    @property
    def _run(self) -> TrainedLevels:
        """The run whose levels are trained on."""
        assert isinstance(self.source, TrainedLevels)
        return self.source


def _classifier(module: pl.LightningModule) -> Classifier:
    if not isinstance(module, Classifier):
        raise TypeError(f"IterativePruning drives a Classifier, not a {type(module).__name__}")
    return module


def _train_loader(trainer: pl.Trainer) -> TrainLoader:
    loader: object = trainer.train_dataloader
    if not isinstance(loader, TrainLoader):
        raise TypeError(f"IterativePruning needs the loader of NoisyLabelData, not a {type(loader).__name__}")
    return loader


def _check_whole(trainer: pl.Trainer) -> None:
    """Refuse to count an epoch whose last batches were left out, since something has stopped the Trainer."""
    done = trainer.fit_loop.epoch_loop.batch_progress.current.completed
    batches = min(trainer.num_training_batches, len(_train_loader(trainer)))
    if done < batches:
        raise UserError(
            f"epoch {trainer.current_epoch} was stopped after {done} of its {batches} batches, since something set "
            "trainer.should_stop or returned -1: let a callback do so at an epoch's end only"
        )
