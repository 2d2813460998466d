"""Runs whose numbers go wrong: what is said, what is kept, and what ends a run."""

import json
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.plugins.precision import MixedPrecision
from torch import nn

from sdd.analysis.reading import read_run
from sdd.callbacks import LevelWarnings
from sdd.callbacks.lean_loop import LeanEpochLoop
from sdd.errors import UserError
from sdd.models import MLP
from tests.small import curve_without_seconds, keep_both_checkpoints, small_run

LEVELS = 2


def too_fast(parameters):
    return torch.optim.SGD(parameters, lr=20.0, momentum=0.9)


@pytest.fixture(scope="module")
def exploded(tmp_path_factory):
    """A run at a rate so high that its loss explodes, to large finite numbers."""
    folder = tmp_path_factory.mktemp("exploded")
    with pytest.MonkeyPatch.context() as patch:
        keep_both_checkpoints(patch)
        run, module, _ = small_run(folder, optimizer=too_fast, levels=LEVELS)
    return folder, run, module


def warnings_of(folder):
    return json.loads((folder / "summary.json").read_text())["warnings"]


def test_an_explosion_is_kept_with_level_step_value_and_setting(exploded):
    folder, run, _ = exploded
    line = warnings_of(folder)[0]
    assert line.startswith("level 0: training exploded: the mean loss of epoch 0 of level 0, from step ")
    step, loss = line.split("from step ")[1].split()[0], line.split("on, is ")[1].split(",")[0]
    assert 1 <= int(step) <= 4
    assert 246 < float(loss) < 1e38
    assert "--model.optimizer.lr" in line
    assert isinstance(run.fit_loop.epoch_loop, LeanEpochLoop)
    assert run.fit_loop.epoch_loop.lean_epochs == 2 * (LEVELS + 1)


def test_the_step_is_the_first_beyond_the_limit(exploded, tmp_path, capsys):
    class Losses(LevelWarnings):
        """Keeps what the first epoch's steps lost."""

        def on_level_epoch_end(self, trainer, pl_module, level, epoch):
            if trainer.current_epoch == 0:
                self.losses = [float(loss) for loss in pl_module._losses]
            super().on_level_epoch_end(trainer, pl_module, level, epoch)

    watch = Losses()
    small_run(tmp_path, watch, optimizer=too_fast, levels=0)
    first = next(number for number, loss in enumerate(watch.losses, 1) if loss > 100 * 2.4607)
    shown = capsys.readouterr().err
    assert f"from step {first} on, is" in shown
    assert shown.count("warning: level 0: training exploded") == 2  # each of the two callbacks, once


def test_a_resumed_run_says_the_same_once(exploded, tmp_path, capsys):
    folder, _, _ = exploded
    checkpoint = sorted((folder / "checkpoints").iterdir())[0]
    run, _, _ = small_run(tmp_path, optimizer=too_fast, levels=LEVELS, ckpt_path=checkpoint)
    assert run.fit_loop.epoch_loop.lean_epochs < 2 * (LEVELS + 1)
    assert warnings_of(tmp_path) == warnings_of(folder)
    assert curve_without_seconds(tmp_path) == curve_without_seconds(folder)
    assert capsys.readouterr().err.count("training exploded") == 1


def test_what_was_kept_is_a_note_of_the_run_read_back(exploded, monkeypatch):
    folder, _, _ = exploded
    settings = SimpleNamespace(values={}, chosen={})
    monkeypatch.setattr("sdd.runs.folder.RunFolder.settings", lambda self: settings)
    monkeypatch.setattr("sdd.runs.folder.RunFolder.state", lambda self: SimpleNamespace(name="finished", reason=None))
    assert read_run(folder).notes == tuple(f"{folder.name}, {line}" for line in warnings_of(folder))


class NoGradient(nn.Module):
    """A network whose outputs are finite, and whose gradients are not where `broken` says so."""

    def __init__(self, broken):
        super().__init__()
        self.net, self.broken, self.calls = MLP(64, [16, 8], 10), broken, 0

    def forward(self, images):
        outputs = self.net(images)
        self.calls += self.training
        if not (self.training and self.broken(self.calls - 1)):
            return outputs
        return outputs + (outputs * 0).abs().sqrt()  # 0, whose derivative is infinity times 0


def half(**scaler):
    return {"plugins": [MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", **scaler))]}


def test_steps_that_the_gradient_scaler_skips_are_no_error(tmp_path):
    small_run(tmp_path, build=lambda: NoGradient(lambda call: call < 3), trainer=half(), levels=0, exclude=[])
    assert len(curve_without_seconds(tmp_path)) == 2
    assert not any("moved no weight" in line for line in warnings_of(tmp_path))


def test_a_level_whose_steps_are_all_skipped_ends_the_run(tmp_path):
    with pytest.raises(
        UserError, match=r"level 1: all of its steps were skipped.*step 16.*bf16-mixed or 32-true"
    ) as caught:
        small_run(tmp_path, build=lambda: NoGradient(lambda call: call >= 8), trainer=half(), levels=1, exclude=[])
    assert "\n" not in str(caught.value)
    assert len(curve_without_seconds(tmp_path)) == 2  # the level before is kept


class LostOutput(NoGradient):
    """A network whose outputs are not finite where `broken` says so."""

    def forward(self, images):
        outputs = self.net(images)
        self.calls += self.training
        return outputs * torch.inf if self.training and self.broken(self.calls - 1) else outputs


def test_a_loss_that_is_not_finite_is_left_out_where_its_step_is_skipped(tmp_path):
    build = lambda: LostOutput(lambda call: call in {1, 2})  # noqa: E731
    _, module, _ = small_run(tmp_path, build=build, trainer=half(), levels=0, exclude=[])
    assert 0 < module.epoch_loss < 3
    with pytest.raises(UserError, match="training diverged at level 0, in epoch 1, from step 5 on: the loss is nan"):
        small_run(
            tmp_path / "all", build=lambda: LostOutput(lambda call: call >= 4), trainer=half(), levels=0, exclude=[]
        )
    with pytest.raises(UserError, match="training diverged at level 0, in epoch 0, from step 2 on: the loss is nan"):
        small_run(tmp_path / "32", build=build, levels=0, exclude=[])
