"""The lean loop takes the steps that Lightning's own takes, bit for bit, and leaves to Lightning what it cannot."""

from collections.abc import Mapping

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins.precision import MixedPrecision
from torch import nn

from sdd.callbacks import lean_loop
from sdd.errors import UserError
from sdd.module import Classifier
from tests.small import curve_without_seconds, keep_both_checkpoints, sgd, small_data, small_net, small_run


class LogsAtEpochs(pl.Callback):
    """Logs at an epoch's start and end, as a user's callback may."""

    def on_train_epoch_start(self, trainer, pl_module):
        pl_module.log("started", float(trainer.current_epoch))

    def on_train_epoch_end(self, trainer, pl_module):
        pl_module.log("norm", sum(float(weight.detach().norm()) for weight in pl_module.parameters()))


class LogsAtSteps(pl.Callback):
    """Logs and looks at every step."""

    def on_after_backward(self, trainer, pl_module):
        pl_module.log("gradient", float(pl_module.net.fc.weight.grad.norm()), on_step=True, on_epoch=True)


class DropNet(nn.Module):
    """A network with random draws and buffers."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.fc = nn.Linear(64, 12), nn.BatchNorm1d(12), nn.Linear(12, 10)

    def forward(self, images):
        return self.fc(nn.functional.dropout(self.norm(self.first(images.flatten(1))).relu(), 0.3, self.training))


def steps(optimizer):
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5], 0.5)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.01)


def lbfgs(parameters):
    """Calls its closure several times a step."""
    return torch.optim.LBFGS(parameters, lr=0.1, max_iter=3)


class Twice(torch.optim.SGD):
    """Takes its closure by name only, and calls it twice, without switching gradients on."""

    @torch.no_grad()
    def step(self, *, closure):
        closure()
        loss = closure()
        super().step()
        return loss


class Deaf(torch.optim.SGD):
    """Does not call its closure."""

    def step(self, closure=None):
        return super().step()


LEAN = {
    "nothing": {},
    "clipping": {"trainer": {"gradient_clip_val": 0.1}},
    "clipping by value": {"trainer": {"gradient_clip_val": 0.01, "gradient_clip_algorithm": "value"}},
    "bf16": {"trainer": {"precision": "bf16-mixed"}},
    "limits": {"trainer": {"limit_train_batches": 3}},
    "anomalies": {"trainer": {"detect_anomaly": True}},
    "schedule of steps": {"lr_scheduler": steps, "lr_interval": "step"},
    "schedule of epochs": {"lr_scheduler": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)},
    "adam": {"optimizer": adam},
    "lbfgs": {"optimizer": lbfgs},
    "closure": {"optimizer": lambda parameters: Twice(parameters, lr=0.1)},
    "dropout": {"build": DropNet},
    "rewinding": {"rewind_steps": 5},
    "held": {"frozen": "initial"},
    "penalty": {"distance_penalty": 0.01},
    "validation": {"data": {"val_size": 30}},
    "cropping": {"data": {"augment": "crop_flip"}},
    "callback": {"callbacks": [LogsAtEpochs]},
}
THEIRS = {
    "accumulation": ({"trainer": {"accumulate_grad_batches": 2}}, "trainer.accumulate_grad_batches 2"),
    "profiler": ({"trainer": {"profiler": "simple"}}, "trainer.profiler"),
    "hooks": ({"callbacks": [LogsAtSteps]}, "LogsAtSteps.on_after_backward"),
    "validation within": (
        {"trainer": {"val_check_interval": 2}, "data": {"val_size": 30}},
        "trainer.val_check_interval 2",
    ),
    "validation by steps": (
        {"trainer": {"check_val_every_n_epoch": None, "val_check_interval": 6}, "data": {"val_size": 30}},
        "trainer.check_val_every_n_epoch null",
    ),
}


def merged(*settings):
    """Return settings together, those of trainer, data and callbacks joined."""
    together = {}
    for one in settings:
        for name, value in one.items():
            held = together.get(name)
            joins = held is not None and isinstance(value, dict | list)
            together[name] = (held | value if isinstance(value, dict) else held + value) if joins else value
    return together


def run(folder, settings):
    """Run an experiment; return what it leaves: checkpoint, curve, what was logged, how many epochs were lean."""
    settings = dict(settings)
    callbacks = [kind() for kind in settings.pop("callbacks", [])]
    data = small_data(**settings.pop("data", {}))
    logger = CSVLogger(folder, "log", flush_logs_every_n_steps=1)
    trainer, _, _ = small_run(folder, *callbacks, data=data, logger=logger, **{"levels": 2} | settings)
    newest = max((folder / "checkpoints").iterdir(), key=lambda path: int(path.stem.partition("-")[2]))
    logged = (folder / "log" / "version_0" / "metrics.csv").read_text()
    left = torch.load(newest, weights_only=True), curve_without_seconds(folder), without_seconds(logged)
    return left, trainer.fit_loop.epoch_loop.lean_epochs


def without_seconds(table):
    rows = [row.split(",") for row in table.splitlines()]
    kept = [place for place, name in enumerate(rows[0]) if not name.endswith("seconds")]
    return [[row[place] for place in kept] for row in rows]


def differences(one, other, where=""):
    """Return where two nested states differ in any bit, the seconds that something took aside."""
    if isinstance(one, torch.Tensor):
        same = isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
        return [] if same else [where]
    if isinstance(one, Mapping):
        if one.keys() != other.keys():
            return [where]
        return [found for name in one for found in differences(one[name], other[name], f"{where}/{name}")]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [where]
        pairs = zip(one, other, strict=True)
        return [found for number, pair in enumerate(pairs) for found in differences(*pair, f"{where}/{number}")]
    both_nan = one != one and other != other
    return [] if one == other or both_nan or where.endswith("/seconds") else [where]


def compare(folder, monkeypatch, settings, lean_epochs):
    """Run with the lean loop and without, and compare all that is left."""
    ours, lean = run(folder / "lean", settings)
    with monkeypatch.context() as patched:
        patched.setattr(lean_loop, "obstacles", lambda trainer: ["a test"])
        theirs, none = run(folder / "lightning", settings)
    assert none == 0
    assert lean == lean_epochs
    assert not differences(ours, theirs)


# All others are among the pairs.
@pytest.mark.parametrize(
    "name", ["nothing", "closure", "clipping", "schedule of steps", "rewinding", "validation", "callback"]
)
def test_a_lean_run_leaves_what_lightnings_leaves(tmp_path, monkeypatch, name):
    compare(tmp_path, monkeypatch, LEAN[name], lean_epochs=4 if name == "rewinding" else 6)


def test_an_optimizer_that_does_not_train_is_named(tmp_path):
    with pytest.raises(UserError, match=r"model\.optimizer Deaf has not called the closure"):
        small_run(tmp_path, optimizer=lambda parameters: Deaf(parameters, lr=0.1))


@pytest.mark.parametrize("name", THEIRS)
def test_what_needs_lightnings_steps_gets_them_and_is_named(tmp_path, capsys, name):
    settings, named = THEIRS[name]
    _, lean = run(tmp_path, settings)
    assert lean == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "Lightning's own" in line]
    assert len(told) == 1
    assert named in told[0]


@pytest.mark.slow
@pytest.mark.parametrize("apart", [1, 3, 7])
def test_pairs_of_settings_leave_what_lightnings_loop_leaves(tmp_path, monkeypatch, apart):
    names = list(LEAN)
    for place, one in enumerate(names):
        other = names[(place + apart) % len(names)]
        settings = merged(LEAN[one], LEAN[other])
        epochs = 4 if settings.get("rewind_steps") else 6
        compare(tmp_path / f"{one}, {other}", monkeypatch, settings, epochs)


def test_a_resumed_run_goes_on_leanly_to_the_same_end(tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    whole, _ = run(tmp_path / "whole", {})
    checkpoint = sorted((tmp_path / "whole" / "checkpoints").iterdir())[0]
    trainer, _, _ = small_run(tmp_path / "resumed", ckpt_path=checkpoint, levels=2)
    assert trainer.fit_loop.epoch_loop.lean_epochs == 2
    assert curve_without_seconds(tmp_path / "resumed")[-1] == whole[1][-1]


QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}


class Mixed(Classifier):
    """A module whose step is its own."""

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("loss", loss)
        return loss


def test_a_module_with_a_step_of_its_own_gets_lightnings(monkeypatch):
    trainer = pl.Trainer(accelerator="cpu", **QUIET)
    for kind, found in ((Classifier, []), (Mixed, ["Mixed.training_step"])):
        trainer.strategy._lightning_module = module = kind(small_net(), sgd)
        module.trainer = trainer
        assert lean_loop.obstacles(trainer) == found
    trainer.strategy._lightning_module = module = Classifier(small_net(), sgd)
    module.on_before_optimizer_step = lambda optimizer: None
    assert lean_loop.obstacles(trainer) == ["Classifier.on_before_optimizer_step"]


def test_several_processes_and_scaled_losses_get_lightnings():
    several = pl.Trainer(accelerator="cpu", strategy="ddp", devices=2, **QUIET)
    scaled = pl.Trainer(accelerator="cpu", plugins=[MixedPrecision("16-mixed", "cpu")], **QUIET)
    for trainer, named in ((several, "trainer.strategy DDPStrategy"), (scaled, "trainer.precision 16-mixed")):
        trainer.strategy._lightning_module = Classifier(small_net(), sgd)
        assert lean_loop.obstacles(trainer) == [named]
