"""What plain Lightning takes and a run of levels has not is refused in a line that says what to give instead."""

import pickle

import lightning.pytorch as pl
import pytest
import torch

from sdd.callbacks import AccuracyMeasures, CurveRecorder, LearningDistance, RunCheckpoint
from sdd.callbacks.level_warnings import LevelWarnings
from sdd.callbacks.plain_lightning import NoBestError
from sdd.errors import UserError
from tests.callbacks.python_parts import parts


class Other(pl.LightningModule):
    """A module that Lightning trains, and no Classifier."""

    def training_step(self, batch, number):
        return None

    def configure_optimizers(self):
        return None


LOADER = torch.utils.data.DataLoader([(torch.zeros(1, 8, 8), 0)])


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda trainer, model, data: trainer.fit(model, data, ckpt_path="best"),
            "ckpt_path is 'best', .* give it a path",
        ),
        (
            lambda trainer, model, data: trainer.test(model, data, ckpt_path="best"),
            "ckpt_path is 'best', .* levels/level",
        ),
        (lambda trainer, model, data: trainer.fit(model, LOADER), "was given DataLoader, .* NoisyLabelData: give it"),
        (lambda trainer, model, data: trainer.fit(model, LOADER, LOADER), "was given DataLoader, .* NoisyLabelData"),
        (lambda trainer, model, data: trainer.fit(model, [LOADER]), "was given list, .* NoisyLabelData"),
        (lambda trainer, model, data: trainer.fit(model), "was given no data, .* NoisyLabelData"),
        (
            lambda trainer, model, data: trainer.fit(model, pl.LightningDataModule()),
            "was given LightningDataModule, but",
        ),
        (
            lambda trainer, model, data: trainer.fit(Other(), data),
            "was given Other as its model, .* a Classifier: give",
        ),
    ],
)
def test_what_lightning_takes_and_a_run_of_levels_has_not_is_refused_in_a_line(tmp_path, ask, words):
    with pytest.raises(UserError, match=words) as caught:
        ask(*parts(tmp_path / "run"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_that_there_is_no_best_checkpoint_is_told_in_another_process_too():
    error = pickle.loads(pickle.dumps(NoBestError()))
    assert isinstance(error, NoBestError)
    assert str(error) == str(NoBestError())


def test_whoever_asks_first_whether_there_is_a_best_checkpoint_learns_that_there_is_none():
    assert not hasattr(RunCheckpoint(), "best_model_path")


@pytest.mark.parametrize("callback", [CurveRecorder, RunCheckpoint, AccuracyMeasures, LearningDistance, LevelWarnings])
def test_levels_that_nothing_trains_are_not_recorded(tmp_path, callback):
    trainer, model, data = parts(tmp_path / "run")
    trainer.callbacks = [callback()]
    with pytest.raises(UserError, match=f"has {callback.__name__} but no IterativePruning, .* add IterativePruning"):
        trainer.fit(model, data)
