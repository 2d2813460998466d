"""The one LightningModule: a network, its loss, optimizer and schedule, all injected, and the masks of its weights."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn
from torchmetrics import MeanMetric

from sdd.distillation import Distillation, check_distillation
from sdd.errors import UserError
from sdd.failures import failure
from sdd.given_arguments import KeepsArguments, forget_argument
from sdd.losses import loss_of
from sdd.models.sparse_linear import SparseLinears
from sdd.parts import check_choice
from sdd.pruning.halving import to_full
from sdd.pruning.mask_buffers import MaskBuffers
from sdd.pruning.packing import unpack_checkpoint
from sdd.seeding import derive_seed
from sdd.training.epoch_loss import diverged, first_step_beyond, mean_loss
from sdd.training.optimizers import last_rate, move, optimizer_and_schedule
from sdd.training.stored import StoredModule, check_masked_alike

if TYPE_CHECKING:
    Network: TypeAlias = nn.Module | Callable[[], nn.Module]
else:
    Network = nn.Module  # what a configuration names


class Classifier(KeepsArguments, StoredModule):
    """A network that is trained to classify.

    Args:
        net: The network, from images [B, channels, height, width] to logits [B, classes]. From Python, what builds it,
            such as `partial(MLP, 64, [300, 100])` or a class: its first weights are drawn from `seed` then. A finished
            network has the weights that it has, and a run that is to be repeated does not take it.
        optimizer: Makes the optimizer from parameters; called anew at every level.
        lr_scheduler: Makes the learning-rate schedule from the optimizer; called anew at every level. It must
            depend on the number of epochs or steps only. null: a constant rate.
        lr_interval: Whether the schedule moves every `epoch` or every `step`.
        distance_penalty: λ ≥ 0 of the penalty λ · ‖θ − θ_start‖₂² added to the training loss, θ_start being what the
            level started from (L2-SP, Li et al. 2018). It holds `distance_start` down, not the paper's `distance`.
        distill_from: Folder of a finished run, the teacher, from whose outputs this one learns beside the labels
            (DSD², Quétu & Tartaglione 2024); {seed} in it stands for the training seed. The training loss becomes
            (1 − w) · loss + w · T² · KL(softmax(teacher / T) ‖ softmax(student / T)) (Hinton et al. 2015), the teacher
            in evaluation mode on the same augmented batch. It must have been trained on the same images and classes;
            its network may be another. On the command line, `auto` is the run of the same settings without
            distillation, trained first where it is not there: its dense level alone for `distill_level` 0. null: none.
        distill_level: Which of its levels teaches: a number, 0 being dense, or `peak`, the one with the best test
            accuracy after the trough (which takes clean test labels to know).
        distill_weight: w in [0, 1]; 0: the teacher is not used, and every number is as without one.
        distill_temperature: T > 0.
        loss: What is minimised and measured: `cross_entropy`; `generalized_cross_entropy` and
            `symmetric_cross_entropy`, which wrong labels pull at less; or an import path, such as
            torch.nn.functional.multi_margin_loss: a function from outputs [B, C] and labels [B] to their mean loss, or
            a class of such functions. Measures that sum over examples take its reduction `sum` where it has an argument
            or attribute `reduction`, else the mean times the number of examples.
        loss_args: Arguments of the loss's own, such as `label_smoothing` of `cross_entropy`.
        compile: Whether training steps run the network compiled by `torch.compile`, once for the whole run; measures
            run it as it is. It rounds differently, and takes a C++ compiler on the CPU.
        compile_args: Arguments of `torch.compile`, such as {mode: max-autotune}.
        seed: Training seed, of initial weights. Linked to `seed_everything` on the command line.

    Attributes:
        loss_part: What errors call the loss.
        loss_module: The loss where it is a module, so that its buffers move along and are kept in checkpoints.
        masks: True where a weight survives, by parameter name of `net`; empty before pruning is set up.
        constant_lr: A learning rate that replaces optimizer's and schedule's, for fine-tuning levels.
        schedule_start: Moves of the schedule, of `lr_interval` each, that lie before the first one of a level.
        sparse_linears: Layers that compute by their surviving weights alone in training steps; set by
            `IterativePruning`.
        starts: Each trainable parameter with the value that its level started from; filled by `IterativePruning`.
        distillation: The teacher and its part of the training loss, where there is one; set by `teach`. No checkpoint
            holds it.
        epoch_loss: Mean loss of the mini-batches of the last whole epoch on their noisy labels, without teacher and
            penalty.
    """

    def __init__(
        self,
        net: Network,
        optimizer: OptimizerCallable = torch.optim.SGD,
        lr_scheduler: LRSchedulerCallable | None = None,
        lr_interval: Literal["epoch", "step"] = "epoch",
        distance_penalty: float = 0.0,
        distill_from: str | None = None,
        distill_level: int | str = 0,
        distill_weight: float = 0.0,
        distill_temperature: float = 4.0,
        loss: str = "cross_entropy",
        loss_args: dict[str, Any] | None = None,
        compile: bool = False,  # noqa: A002  # the name in the field
        compile_args: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not 0 <= distance_penalty < math.inf:
            raise UserError(f"model.distance_penalty is {distance_penalty}; it must be a number from 0")
        check_choice("model.lr_interval", lr_interval, ("epoch", "step"))
        if compile_args and not compile:
            raise UserError("model.compile_args is set, but model.compile is not: set --model.compile true as well")
        check_distillation(distill_from, distill_level, distill_weight, distill_temperature)
        self.loss, self.loss_name = loss_of(loss, loss_args), loss
        self.loss_module = self.loss.mean if isinstance(self.loss.mean, nn.Module) else None
        self.loss_part = f"model.loss {loss}"
        self.optimizer, self.lr_scheduler, self.lr_interval = optimizer, lr_scheduler, lr_interval
        self.distance_penalty = distance_penalty
        self.distill_weight, self.distill_temperature = distill_weight, distill_temperature
        self.distillation: Distillation | None = None
        self._teacher_digest = ""
        self._compile_args = (compile_args or {}) if compile else None
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self.seed = seed
        self._build: Callable[[], nn.Module] | None = None
        forget_argument(self, "net")  # whose weights need not stay
        if isinstance(net, nn.Module):
            self.net = net
        else:
            self.draw_from(net)
        self.starts: list[tuple[nn.Parameter, Tensor]] = []
        self.mask_buffers = MaskBuffers({})
        self.sparse_linears = SparseLinears()
        self.constant_lr: float | None = None
        self.schedule_start = 0
        self.epoch_loss = float("nan")
        self._losses: list[Tensor] = []
        self.eval_loss, self.eval_acc = MeanMetric(), MeanMetric()

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; Lightning notes the hook's name some forty times a step, which `nn.Module` makes slow."""
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def masks(self) -> dict[str, Tensor]:
        """True where a weight survives, by parameter name: bool [...] of the weight's shape, on the module's device."""
        return self.mask_buffers.by_name()

    def set_masks(self, masks: Mapping[str, Tensor]) -> None:
        """Replace the masks, in place where there are masks of these names already.

        Args:
            masks: True where a weight survives, by parameter name of `net`: bool [...] of the weight's shape.
        """
        held = self.masks
        if held.keys() == masks.keys():
            for name, mask in masks.items():
                held[name].copy_(mask)
        else:
            self.mask_buffers = MaskBuffers({name: mask.clone().to(self.device) for name, mask in masks.items()})

    def draw_from(self, build: Callable[[], nn.Module]) -> None:
        """Name what builds the network with fresh weights, and draw those of level 0 from the training seed."""
        self._build = build
        self.net = self.fresh_network(level=0)

    def teach(self, teacher: nn.Module) -> None:
        """Name the network to learn from, with `distill_weight` and `distill_temperature`; not used where that is 0.

        Args:
            teacher: Trained, from images [B, channels, height, width] to logits [B, classes]; it is put into evaluation
                mode.
        """
        if self.distill_weight:
            self.distillation = Distillation(teacher.eval(), self.distill_weight, self.distill_temperature)
            self._teacher_digest = self.distillation.digest()

    @property
    def is_compiled(self) -> bool:
        """Whether training steps run the network compiled."""
        return self._compile_args is not None

    @property
    def can_draw(self) -> bool:
        """Whether fresh weights can be drawn."""
        return self._build is not None

    @property
    def build(self) -> Callable[[], nn.Module]:
        """What builds the network with fresh weights.

        Raises:
            UserError: Nobody said how to build it.
        """
        if self._build is None:
            raise UserError(
                "Classifier was given a finished network, whose weights its seed has not drawn: give it what builds "
                "the network, such as Classifier(lambda: MLP(64, [300, 100]), ...)"
            )
        return self._build

    def fresh_network(self, level: int) -> nn.Module:
        """Build the network with the initial weights that (seed, level) give, on the CPU.

        Raises:
            UserError: Nobody said how to build it.
        """
        return self.drawn(self.build, level)

    def drawn(self, build: Callable[[], nn.Module], level: int) -> nn.Module:
        """Build a network, with what it draws given by (seed, level).

        Args:
            build: What builds it.
            level: Whose initial weights it gets.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.seed, "initial weights", level))
            return build()

    def configure_optimizers(self) -> Any:
        """Make optimizer and schedule anew, as at the start of every level."""
        optimizer, scheduler = self._optimizer_and_schedule()
        if scheduler is None:
            return optimizer
        move(scheduler, self.schedule_start)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": self.lr_interval}}

    def last_rate(self, epochs: int, steps_per_epoch: int) -> float:
        """Return the learning rate of the last epoch (or step) of a level.

        Args:
            epochs: Of the level.
            steps_per_epoch: Optimizer steps of an epoch.

        Raises:
            UserError: The schedule ends before the level does.
        """
        moves = epochs if self.lr_interval == "epoch" else epochs * steps_per_epoch
        return last_rate(*self._optimizer_and_schedule(), moves, self.lr_interval)

    def _optimizer_and_schedule(self) -> tuple[torch.optim.Optimizer, Any]:
        return optimizer_and_schedule(self.net, self.optimizer, self.lr_scheduler, self.constant_lr)

    def forward(self, images: Tensor) -> Tensor:
        """Map network inputs [B, channels, height, width] to logits [B, classes]."""
        logits: Tensor = self.net(images)
        return logits

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put a digest of the teacher beside the weights that have learned from it."""
        if self.distillation is not None:
            checkpoint["teacher"] = self._teacher_digest

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Unpack a checkpoint, and find out whether its masks are of the weights pruned here, its teacher this one.

        Raises:
            UserError: They are of others, or it has other weights than the one that was learned from so far.
        """
        unpack_checkpoint(checkpoint)
        to_full(checkpoint)
        if self.distillation is not None and checkpoint.get("teacher", self._teacher_digest) != self._teacher_digest:
            raise UserError(
                "model.distill_from: the teacher has other weights than when this run was started, as if it had been "
                "trained anew: put the old one back, or choose another --run_dir"
            )
        check_masked_alike(checkpoint["state_dict"], (name for name, _ in self.mask_buffers.named_buffers()))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean loss of a batch, with the teacher's part and the distance penalty if there are any: a scalar.

        Args:
            batch: Network inputs [B, channels, height, width] and noisy labels [B], int64.
            batch_idx: Not used.
        """
        images, labels = batch
        try:
            outputs = self._trained_outputs(images)
        except Exception as error:
            raise failure("the network", error) from error
        return self.batch_loss(images, labels, outputs)

    def batch_loss(self, images: Tensor, labels: Tensor, outputs: Tensor) -> Tensor:
        """Return what a training step minimises, a scalar, and note the loss on the labels for the epoch's mean.

        Args:
            images: Network inputs [B, channels, height, width].
            labels: Noisy ones, int64 of shape [B].
            outputs: Logits [B, classes].
        """
        part = self.loss_part
        try:
            loss = self.loss.mean(outputs, labels)
            plain = loss.detach()
            if self.distillation is not None:
                part = "the teacher, model.distill_from,"
                loss = self.distillation.mixed(loss, images, outputs)
        except Exception as error:
            raise failure(part, error) from error
        self.note_loss(plain)
        if self.distance_penalty:
            loss = loss + self.distance_penalty * squared_distance(self.starts)
        return loss

    def note_loss(self, loss: Tensor) -> None:
        """Note the loss of a batch on its labels, a scalar without a gradient, for the epoch's mean."""
        self._losses.append(loss)

    def _trained_outputs(self, images: Tensor) -> Tensor:
        """Map inputs [B, channels, height, width] to logits [B, classes] as training steps do."""
        net = self.net
        if self._compile_args is None:
            with self.sparse_linears:
                logits: Tensor = net(images)
            return logits
        if self._compiled is None:
            # A function, since a compiled module would be a second part of this one, with parameters of its own names.
            self._compiled = torch.compile(lambda images: net(images), **self._compile_args)
        return self._compiled(images)

    def on_train_start(self) -> None:
        """Put the teacher where the network is.

        Raises:
            UserError: Nobody gave it.
        """
        if self.distillation is not None:
            self.distillation.to(next(self.net.parameters()))
        elif self.distill_weight:
            raise UserError("model.distill_from is read by the command line only: call teach(network) with the teacher")

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before."""
        self._losses = []

    def close_epoch(self, level: int) -> None:
        """Average the epoch's losses and hand them to the loggers; called once at each epoch's end.

        With a gradient scaler, steps whose loss is not finite do not count, unless all are: it has skipped them.

        Args:
            level: Which level trains.

        Raises:
            UserError: Training diverged.
        """
        losses = torch.stack(self._losses)
        skips = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        self.epoch_loss = mean_loss(losses, self.trainer.strategy.reduce, skips=skips)
        if not math.isfinite(self.epoch_loss):
            step = self.first_step_beyond(torch.finfo(losses.dtype).max)
            where = "" if step is None else f", from step {step} on"
            raise diverged(f"at level {level}, in epoch {self.current_epoch}{where}", self.epoch_loss)
        for logger in self.loggers:
            logger.log_metrics({"epoch_loss": self.epoch_loss, "epoch": self.current_epoch}, self.global_step)

    def first_step_beyond(self, limit: float) -> int | None:
        """Return the first step of the last epoch with a batch whose loss on the labels is above a limit, or NaN.

        Returns:
            Its number, counted from 1 over the run; None where there is none on this process.
        """
        losses, batches = torch.stack(self._losses), self.trainer.accumulate_grad_batches
        return first_step_beyond(losses, limit, done=self.global_step, batches_a_step=batches)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `val_loss` and `val_acc` of a batch, inputs [B, ...] and labels [B], of the noisy validation part."""
        self._evaluate(batch, "val")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `test_loss` and `test_acc` of a batch, inputs [B, ...] and labels [B], of the clean test set."""
        self._evaluate(batch, "test")

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the logits [B, classes] of a batch, inputs [B, ...] and labels [B], of the test set."""
        logits: Tensor = self.net(batch[0])
        return logits

    def _evaluate(self, batch: tuple[Tensor, Tensor], part: str) -> None:
        images, labels = batch
        logits = self.net(images)
        self.eval_loss.update(self.loss.each(logits, labels))
        self.eval_acc.update((logits.argmax(1) == labels).float())
        self.log_dict({f"{part}_loss": self.eval_loss, f"{part}_acc": self.eval_acc}, prog_bar=False)


def squared_distance(pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return ‖θ − θ_start‖₂² over pairs of a parameter and its start, a scalar that can be differentiated."""
    return torch.stack([(parameter - start).square().sum() for parameter, start in pairs]).sum()
