"""Which Trainers and callbacks train whole levels, and how many steps an epoch of theirs has."""

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch import callbacks as lightnings
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins.io import AsyncCheckpointIO

from sdd.analysis.curve import read_curve
from sdd.callbacks import LevelCallback
from sdd.callbacks.steps import steps_per_epoch
from sdd.callbacks.time_limit import duration_of
from sdd.callbacks.trainer_settings import INSTEAD, check_callback_class, check_trainer
from sdd.errors import UserError
from tests.small import small_data, small_run


def trainer(folder=None, **settings):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return pl.Trainer(default_root_dir=folder, **quiet | settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_steps": 5}, "max_steps is 5, but a run trains whole levels: set --pruning.epochs_per_level"),
        ({"min_steps": 5}, "min_steps is 5"),
        ({"min_epochs": 2}, "min_epochs is 2"),
        ({"limit_train_batches": 0}, "limit_train_batches is 0"),
        ({"limit_train_batches": 0.0}, "limit_train_batches is 0"),
        ({"limit_test_batches": 1}, "limit_test_batches is 1, but levels are measured on all test images"),
        ({"limit_test_batches": 0.5}, "limit_test_batches is 0.5"),
        ({"limit_predict_batches": 2}, "limit_predict_batches is 2"),
        (
            {"model_registry": "mine"},
            "model_registry is mine, but a run's checkpoints stay in its folder; leave it unset",
        ),
        ({"fast_dev_run": True}, "fast_dev_run is True, but only the command line"),
        ({"accumulate_grad_batches": 0}, "accumulate_grad_batches is 0; it must be at least 1"),
        ({"gradient_clip_val": -1.0}, "gradient_clip_val is -1.0; it must be above 0"),
        ({"gradient_clip_val": float("nan")}, "gradient_clip_val is nan"),
        ({"precision": "64-true"}, "precision is 64-true.*allowed: 32-true, 16-mixed, bf16-mixed"),
        ({"precision": "bf16-true"}, "precision is bf16-true"),
        ({"precision": "16-true"}, "precision is 16-true"),
        ({"plugins": [AsyncCheckpointIO()]}, "AsyncCheckpointIO"),
        ({"strategy": "ddp_spawn", "devices": 1}, "strategy starts its processes as copies.*set it to ddp"),
        ({"strategy": "ddp_fork", "devices": 1}, "strategy starts its processes as copies.*set it to ddp"),
        ({"max_time": "00:00:00:10"}, "Timer, .*--trainer.max_time on the command line"),
        ({"callbacks": [lightnings.LearningRateMonitor()]}, "LearningRateMonitor, which needs a logger"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_would_not_train_whole_levels_is_refused(settings, words):
    with pytest.raises(UserError, match=words) as caught:
        check_trainer(trainer(**settings))
    assert "\n" not in str(caught.value)


def test_what_trains_whole_levels_is_not(tmp_path):
    check_trainer(trainer())
    allowed = {"limit_train_batches": 1, "accumulate_grad_batches": 3, "gradient_clip_val": 0.5, "limit_val_batches": 0}
    check_trainer(trainer(**allowed, precision="bf16-mixed", num_sanity_val_steps=2, check_val_every_n_epoch=2))
    logged = {"logger": CSVLogger(tmp_path), "callbacks": [lightnings.LearningRateMonitor()]}
    check_trainer(trainer(**logged))


WORK = {
    "BasePredictionWriter",
    "Callback",
    "Checkpoint",
    "DeviceStatsMonitor",
    "LambdaCallback",
    "LearningRateMonitor",
    "ModelCheckpoint",
    "ModelSummary",
    "ProgressBar",
    "RichModelSummary",
    "RichProgressBar",
    "SpikeDetection",
    "TQDMProgressBar",
    "ThroughputMonitor",
}


@pytest.mark.parametrize("name", lightnings.__all__)
def test_every_callback_of_lightnings_is_known_to_work_or_refused_with_what_to_use(name):
    """A new one of a later version must be judged here."""
    kind = getattr(lightnings, name)
    theirs = type("Theirs", (kind,), {})
    if name in WORK:
        check_callback_class(kind)
        return
    base = next(one for one in INSTEAD if issubclass(kind, getattr(lightnings, one)))
    for refused in (kind, theirs):
        with pytest.raises(UserError, match=f"has {refused.__name__},.* nothing of levels: .*; leave it out") as caught:
            check_callback_class(refused)
        assert INSTEAD[base] in str(caught.value)


def test_a_callback_given_from_python_is_refused_before_training(tmp_path):
    class Patient(lightnings.EarlyStopping):
        pass

    with pytest.raises(UserError, match="Patient, a EarlyStopping, which knows nothing of levels"):
        small_run(tmp_path, Patient(monitor="val_loss"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "folder", "clashes"),
    [
        ("epoch-{epoch:06d}", None, True),
        ("epoch-000123", None, True),
        ("epoch-{epoch:06d}", "checkpoints", True),
        ("epoch-{epoch:06d}", "mine", False),
        ("epoch-{epoch}", None, False),
        ("{epoch}", None, False),
        (None, None, False),
    ],
)
def test_a_users_checkpoints_must_not_be_named_as_the_runs_own(tmp_path, name, folder, clashes):
    own = lightnings.ModelCheckpoint(
        dirpath=folder and tmp_path / folder, filename=name, auto_insert_metric_name=False, save_top_k=-1
    )
    run = trainer(tmp_path, callbacks=[own])
    if not clashes:
        check_trainer(run)
        return
    with pytest.raises(UserError, match=r"ModelCheckpoint, whose files .* checkpoints/epoch-000001\.ckpt"):
        check_trainer(run)


@pytest.mark.parametrize(
    ("limit", "accumulate", "steps"),
    [(None, 1, 10), (3, 1, 3), (30, 1, 10), (0.5, 1, 5), (0.29, 1, 2), (None, 3, 4), (7, 3, 3), (0.5, 5, 1), (1, 4, 1)],
)
def test_steps_of_an_epoch_of_ten_batches(limit, accumulate, steps):
    assert steps_per_epoch(trainer(limit_train_batches=limit, accumulate_grad_batches=accumulate), 10) == steps


def test_an_epoch_without_a_batch_or_a_validation_that_never_comes_is_refused():
    with pytest.raises(UserError, match="leaves none of the 4 batches"):
        steps_per_epoch(trainer(limit_train_batches=0.1), 4)
    with pytest.raises(UserError, match="val_check_interval is 5, but an epoch has only 4 batches"):
        steps_per_epoch(trainer(val_check_interval=5), 4)


class Rates(LevelCallback):
    """Keeps the learning rate of every batch, and how many optimizer steps each epoch had."""

    def __init__(self):
        self.rates, self.steps = [], []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_epoch_end(self, trainer, pl_module):
        self.steps.append(trainer.global_step)


def halve(optimizer):
    return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)


def test_schedule_and_rewinding_count_the_steps_that_the_trainer_makes(tmp_path):
    """Three of four batches, two of them a step: two steps an epoch, four a level."""
    watch, heard = Rates(), []
    counts = lightnings.LambdaCallback(on_train_epoch_start=lambda trainer, module: heard.append(trainer.current_epoch))
    _, module, driver = small_run(
        tmp_path,
        watch,
        counts,
        lr_scheduler=halve,
        lr_interval="step",
        levels=1,
        rewind_steps=4,
        rewind_schedule=False,
        trainer={"limit_train_batches": 3, "accumulate_grad_batches": 2},
    )
    assert watch.rates == [0.1, 0.1, 0.05, 0.025, 0.025, 0.0125] * 2
    assert watch.steps == [2, 4, 6, 8]
    assert module.last_rate(2, 2) == watch.rates[-1] == 0.0125
    assert heard == [0, 1, 2, 3]
    with pytest.raises(UserError, match="rewind_steps is 4, but a level has only 2 steps"):
        driver.check_trainer(trainer(limit_train_batches=2, accumulate_grad_batches=2), module, 4)


def test_a_schedule_that_ends_before_a_level_is_refused(tmp_path):
    def cycle(steps):
        return lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)

    with pytest.raises(UserError, match=r"model\.lr_scheduler, after 7 steps of the 8 of a level, raised ValueError"):
        small_run(tmp_path, lr_scheduler=cycle(7), lr_interval="step")
    assert list(tmp_path.iterdir()) == []
    small_run(tmp_path, lr_scheduler=cycle(8), lr_interval="step", levels=1)


def test_level_0_goes_on_to_the_step_to_rewind_to_however_low_its_loss(tmp_path):
    watch = Rates()
    small_run(tmp_path, watch, stop_loss=100.0, rewind_steps=6, levels=1)
    assert len(watch.steps) == 3, "two epochs of level 0, whose sixth step is in the second, and one of level 1"


def test_an_epoch_that_is_cut_short_counts_for_nothing(tmp_path):
    class Stops(pl.Callback):
        def on_train_batch_end(self, trainer, *_):
            trainer.should_stop = trainer.global_step == 6

    with pytest.raises(UserError, match="epoch 1 was stopped after 2 of its 4 batches"):
        small_run(tmp_path, Stops(), epochs_per_level=1)
    assert len(read_curve(tmp_path / "curve.csv")) == 1


def test_what_only_watches_changes_no_number(tmp_path):
    watched = {"num_sanity_val_steps": 2, "val_check_interval": 2, "reload_dataloaders_every_n_epochs": 1}
    networks = [
        small_run(tmp_path / name, data=small_data(val_size=50, seed=0), levels=1, trainer=settings)[1].net.state_dict()
        for name, settings in (("a", {}), ("b", watched))
    ]
    assert all(torch.equal(value, networks[1][name]) for name, value in networks[0].items())


def test_a_time_is_read_as_lightning_reads_it():
    assert duration_of("01:02:03:04").total_seconds() == 86400 + 2 * 3600 + 3 * 60 + 4
    assert duration_of({"hours": 3}).total_seconds() == 3 * 3600
    for wrong in ("3", "00:00:00:00", {"weekends": 1}, {"hours": -1}, {}):
        with pytest.raises(UserError, match=r"trainer\.max_time is .*above 0"):
            duration_of(wrong)
