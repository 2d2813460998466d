"""Drives the levels of a run inside one `fit`: train, measure, prune, set the weights, train again."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Literal

import lightning.pytorch as pl
import torch

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.given_masks import GivenMasks
from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.callbacks.level import Level, level_callbacks
from sdd.callbacks.masking import Masking
from sdd.callbacks.measuring import measure_all
from sdd.callbacks.missing_measures import measure_missing
from sdd.callbacks.next_masks import next_masks
from sdd.callbacks.python_run import python_run
from sdd.callbacks.steps import Begin, begin_at, steps_per_epoch
from sdd.callbacks.taken_part import check_unused, note_used
from sdd.console import say
from sdd.data.loader import TrainLoader
from sdd.errors import UserError
from sdd.failures import naming
from sdd.models.sparse_linear import sparse_linears
from sdd.models.state import Copies, State, load_state, once_each, state_of
from sdd.module import Classifier
from sdd.pruning.masks import Masks, count_remaining, remaining_fraction, sparsity
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import Pruner
from sdd.pruning.retraining import Rates, Restart, Retraining, start_state
from sdd.runs.masks_source import MasksSource
from sdd.runs.trained_levels import StoredLevels, TrainedLevels
from sdd.seeding import seed_draws


class LevelDriver(IdleAtSteps):
    """Takes a run from level to level, from hook to hook of Lightning; what the levels are `IterativePruning` says.

    Attributes:
        level: Number of the level that the run is in, or has just done.
        last_level: Number of the last one.
        epochs_per_level: Epochs of every level.
        source: Where masks come from that are not pruned here; None: nowhere.
        given: Those masks.
        arithmetic, dense_from, exclude, finetune_lr, frozen, redense_lr, retrain, rewind_steps, seed, stop_loss: The
            settings of these names.
    """

    arithmetic: str
    dense_from: str | None
    epochs_per_level: int
    exclude: tuple[str, ...]
    finetune_lr: float
    frozen: Literal["zero", "initial", "final"]
    given: GivenMasks
    last_level: int
    redense_lr: float | None
    retrain: str
    rewind_steps: int
    seed: int
    source: MasksSource | None
    stop_loss: float | None
    _pruner: Pruner
    _retraining: Retraining
    _rewinds: bool

    def __init__(self) -> None:
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
    def complete(self) -> bool:
        """Whether the last level is trained."""
        return self._level_done and self.level == self.last_level

    # Lightning's hooks, in the order of their calls.

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Claim the folder, where nobody has; measure levels that lack what is switched on now.

        Raises:
            UserError: The folder holds another run, callbacks have driven one, or masks from elsewhere have changed.
        """
        module = classifier_of(pl_module)
        check_unused(trainer)
        self._open.enter_context(python_run(trainer, module, self.dense_from))
        note_used(trainer)
        self.given.check_unchanged(self.level, module.masks, self.last_level)
        here = self.level, self._start
        measure_missing(self, trainer, module)
        self.level, self._start = here

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the initial weights, unless a checkpoint brought them."""
        module = classifier_of(pl_module)
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
        module = classifier_of(pl_module)
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
            self._rewind = state_of(classifier_of(pl_module).net)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let what watches the epochs of a level measure, before any other callback hears of the epoch's end."""
        module = classifier_of(pl_module)
        _check_whole(trainer)
        module.close_epoch(self.level)
        self._say_computed_sparsely(trainer, module)
        epoch = trainer.current_epoch - self._first_epoch
        for callback in level_callbacks(trainer):
            with naming(type(callback).__name__):
                callback.on_level_epoch_end(trainer, module, self._described, epoch)

    def _end_epoch(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At a level's end, let everybody measure, then hear; called when all callbacks are done with the epoch."""
        module = classifier_of(pl_module)
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
            self._set_rate(trainer, classifier_of(pl_module), state["level"])

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
            masks = next_masks(
                self._pruner, trainer, module, level, initial=self._initial, exclude=self.exclude, seed=self.seed
            )
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


def classifier_of(module: pl.LightningModule) -> Classifier:
    """Return a module as the one that can be driven.

    Raises:
        UserError: It is another.
    """
    if not isinstance(module, Classifier):
        raise UserError(
            f"Trainer.fit was given {type(module).__name__} as its model, but IterativePruning drives a Classifier: "
            "give it one, such as Classifier(partial(MLP, 64, [300, 100]), partial(torch.optim.SGD, lr=0.1))"
        )
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
