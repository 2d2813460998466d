"""What a callback of levels may do, and what it may count on."""

from fractions import Fraction

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger

from sdd.analysis.curve import read_curve
from sdd.callbacks import IterativePruning, LevelCallback
from sdd.callbacks.idle_hooks import IdleAtSteps
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.runs.folder import RunFolder
from sdd.runs.trained_levels import StoredLevels
from tests.small import keep_both_checkpoints, sgd, small_data, small_net, small_run


def halve(optimizer):
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1], gamma=0.5)


class Measure(LevelCallback):
    def __init__(self, **measures):
        self.measures = measures

    def measure_level(self, trainer, pl_module, level):
        return self.measures


class Other(Measure):
    pass


def test_every_hook_can_be_overridden_and_calls_its_parents(tmp_path):
    called = set()

    class Mine(LevelCallback):
        def on_train_batch_start(self, *rest):
            super().on_train_batch_start(*rest)
            called.add("batch start")

        def on_before_zero_grad(self, *rest):
            super().on_before_zero_grad(*rest)
            called.add("zero grad")

        def on_before_optimizer_step(self, *rest):
            super().on_before_optimizer_step(*rest)
            called.add("step")

        def on_train_batch_end(self, trainer, *rest):
            super().on_train_batch_end(trainer, *rest)
            called.add("batch end")

        def on_after_backward(self, *rest):
            super().on_after_backward(*rest)
            called.add("after backward")

        def on_before_backward(self, *rest):
            super().on_before_backward(*rest)
            called.add("before backward")

    class Child(Mine):
        def on_train_batch_end(self, *rest):
            super().on_train_batch_end(*rest)
            called.add("child")

    small_run(tmp_path, Child(), levels=0, epochs_per_level=1)
    assert called == {"batch start", "zero grad", "step", "batch end", "after backward", "before backward", "child"}


def test_lightning_passes_over_hooks_of_steps_that_nobody_overrides():
    class Mine(LevelCallback):
        def on_train_batch_end(self, *rest):
            pass

    callback = Mine()
    assert callable(callback.on_train_batch_end)
    assert not callable(callback.on_train_batch_start)
    assert callable(callback.on_train_epoch_end)
    assert not callable(IdleAtSteps().on_before_zero_grad)


def test_measures_are_numbers_of_any_kind_exactly(tmp_path):
    value = torch.tensor(0.127, dtype=torch.float64, requires_grad=True)
    given = Measure(
        tensor=value * 1,
        single=torch.tensor(0.1),
        whole=torch.tensor(2**60 + 1),
        yes=torch.tensor(True),
        numpy=np.float32(0.1),
        numpy_whole=np.int64(7),
        numpy_yes=np.bool_(False),
        array=np.array(1.5),
        ratio=Fraction(1, 8),
        truth=True,
        nothing=float("nan"),
    )
    small_run(tmp_path, given, levels=0, epochs_per_level=1)
    text = dict(zip(*[line.split(",") for line in (tmp_path / "curve.csv").read_text().splitlines()], strict=True))
    assert float(text["tensor"]) == 0.127
    assert float(text["single"]) == torch.tensor(0.1).item()
    assert (text["whole"], text["yes"], text["truth"], text["numpy_yes"]) == (str(2**60 + 1), "1", "1", "0")
    assert (float(text["numpy"]), text["numpy_whole"]) == (float(np.float32(0.1)), "7")
    assert (float(text["array"]), float(text["ratio"])) == (1.5, 0.125)
    assert str(read_curve(tmp_path / "curve.csv")[0]["nothing"]) == "nan"


@pytest.mark.parametrize(
    ("callbacks", "word"),
    [
        ([Measure(level=1)], "Measure: a measure is named level, which a run writes itself"),
        ([Measure(seconds=1)], "named seconds"),
        ([Measure(sparsity=1)], "named sparsity"),
        ([Measure(epoch=1)], "named epoch"),
        (
            [Measure(test_acc=1)],
            "Measure and AccuracyMeasures both measure test_acc",
        ),
        ([Measure(mine=1), Other(mine=2)], "Measure and Other both measure mine"),
        ([Measure(mine="1")], "Measure: the measure mine is a str; it must be a real number"),
        ([Measure(mine=None)], "is a NoneType"),
        ([Measure(mine=1j)], "is a complex"),
        ([Measure(mine=torch.zeros(1))], r"is a Tensor of shape \[1\]"),
        ([Measure(mine=np.zeros(2))], r"is a ndarray of shape \[2\]"),
        ([Measure(**{"two\nlines": 1})], "must be a word"),
        ([Measure(**{"": 1})], "must be a word"),
    ],
)
def test_names_and_values_that_cannot_be_meant_are_refused_at_the_first_level(tmp_path, callbacks, word):
    with pytest.raises(UserError, match=word) as caught:
        small_run(tmp_path, *callbacks, epochs_per_level=1)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "curve.csv").exists()


def test_measures_that_are_no_mapping_are_refused(tmp_path):
    class Mine(LevelCallback):
        def measure_level(self, trainer, pl_module, level):
            return 3

    with pytest.raises(UserError, match=r"Mine\.measure_level gives a int"):
        small_run(tmp_path, Mine(), levels=0, epochs_per_level=1)


def test_gradients_are_recorded_for_those_who_ask(tmp_path):
    class Without(LevelCallback):
        name = "without"

        def measure_level(self, trainer, pl_module, level):
            return {self.name: pl_module.net.fc.weight.sum().requires_grad}

    class With(Without):
        name = "with"
        needs_gradients = True

    small_run(tmp_path, Without(), With(), levels=0, epochs_per_level=1)
    row = read_curve(tmp_path / "curve.csv")[0]
    assert (row["without"], row["with"]) == (0, 1)


class SeesStarts(pl.Callback):
    """Keeps what it finds as an epoch starts, as Lightning's own callbacks do."""

    def __init__(self):
        self.seen = []

    def on_train_epoch_start(self, trainer, pl_module):
        optimizer = trainer.optimizers[0]
        removed = sum(int((~mask).sum()) for mask in pl_module.masks.values())
        zeros = sum(int((weight == 0).sum()) for weight in pl_module.net.parameters())
        self.seen.append((trainer.current_epoch, optimizer.param_groups[0]["lr"], len(optimizer.state), removed, zeros))


def test_an_epochs_start_is_that_of_the_level_about_to_train_wherever_the_callback_is_listed(tmp_path):
    first, monitor = SeesStarts(), LearningRateMonitor()
    logger = CSVLogger(tmp_path, name="log", version="")
    small_run(tmp_path / "run", monitor, first, lr_scheduler=halve, logger=logger, trainer={"log_every_n_steps": 1})
    remaining = [row["remaining"] for row in read_curve(tmp_path / "run" / "curve.csv")]
    for epoch, rate, momenta, removed, zeros in first.seen:
        assert rate == (0.05 if epoch % 2 else 0.1)
        assert bool(momenta) == bool(epoch % 2)
        assert 1152 - remaining[epoch // 2] == removed <= zeros
    assert len(first.seen) == 8
    logged = [line.split(",") for line in (tmp_path / "log" / "metrics.csv").read_text().splitlines()]
    place = logged[0].index("lr-SGD")
    assert [float(line[place]) for line in logged[1:] if line[place]] == [0.1, 0.05] * 4


def test_so_it_is_in_a_resumed_run(tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    whole, _, _ = small_run(tmp_path, SeesStarts(), lr_scheduler=halve, levels=2)
    expected = next(one.seen for one in whole.callbacks if isinstance(one, SeesStarts))
    older = RunFolder(tmp_path).checkpoints()[1]
    driver, seen = IterativePruning(levels=2, fraction=0.5, epochs_per_level=2, exclude=["fc.weight"]), SeesStarts()
    module = Classifier(small_net(), sgd, halve)
    trainer = pl.Trainer(
        max_epochs=driver.max_epochs,
        accelerator="cpu",
        default_root_dir=tmp_path,
        callbacks=[seen, driver],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, datamodule=small_data(seed=0), ckpt_path=older)
    assert seen.seen == expected[4:]


def test_an_epochs_end_comes_before_the_measures(tmp_path):
    class Sums(LevelCallback):
        """Adds up over steps, closes at the epoch's end, and measures that."""

        steps = closed = 0

        def on_train_batch_end(self, *rest):
            self.steps += 1

        def on_train_epoch_end(self, trainer, pl_module):
            self.closed = self.steps

        def measure_level(self, trainer, pl_module, level):
            return {"steps": self.closed}

    small_run(tmp_path, Sums())
    assert [row["steps"] for row in read_curve(tmp_path / "curve.csv")] == [8, 16, 24, 32]


@pytest.mark.parametrize("retrain", ["lottery", "lr_rewind", "scratch"])
@pytest.mark.parametrize("frozen", ["zero", "final"])
def test_a_stored_level_is_what_was_measured_in_the_run(tmp_path, retrain, frozen):
    class Keeps(LevelCallback):
        def __init__(self):
            self.levels, self.weights = [], []

        def measure_level(self, trainer, pl_module, level):
            self.levels.append(level)
            self.weights.append({name: value.clone() for name, value in pl_module.net.state_dict().items()})
            return {}

    keeps = Keeps()
    _, module, driver = small_run(tmp_path, keeps, retrain=retrain, frozen=frozen, rewind_steps=3)
    stored = StoredLevels(RunFolder(tmp_path))
    for number in (2, 0, 3, 1):
        level, then = driver.stored_level(module, stored, number), keeps.levels[number]
        plain = ("level", "last_level", "sparsity", "remaining", "remaining_fraction", "released")
        assert all(getattr(level, name) == getattr(then, name) for name in plain)
        for name in ("initial", "start"):
            found, wanted = getattr(level, name), getattr(then, name)
            assert all(torch.equal(found[key], wanted[key]) for key in wanted), (name, number)
        state = module.net.state_dict()
        assert all(torch.equal(state[key], value) for key, value in keeps.weights[number].items())
