"""A run that is put together in Python and started by `Trainer.fit` is the run of the same settings by command."""

import json
import multiprocessing
from functools import partial
from threading import Lock

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.plugins import Precision
from lightning.pytorch.utilities.enums import GradClipAlgorithmType
from torch import nn

from sdd.__main__ import main
from sdd.analysis import load_runs
from sdd.callbacks import (
    IterativePruning,
    LevelCallback,
    LevelWarnings,
)
from sdd.callbacks.configuration import configuration
from sdd.callbacks.expressed import (
    UnknownError,
    expressed,
    expressed_network,
    expressed_optimizer,
    import_path,
)
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.locks import holds
from sdd.models import MLP
from sdd.module import Classifier
from sdd.runs.origin import ORIGIN
from tests.callbacks.python_parts import parts
from tests.small import QUICK, curve_without_seconds, sgd, small_net

LEVELS = ["--pruning.levels", "1", "--pruning.epochs_per_level", "2", "--threads", "null"]


def fit(*arguments, ckpt_path=None, **named):
    trainer, model, data = parts(*arguments, **named)
    trainer.fit(model, data, ckpt_path=ckpt_path)


class Breaks(pl.Callback):
    """Breaks the training in the first epoch of level 1, once."""

    broken = False
    decides_numbers = False

    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == 2 and not self.broken:
            self.broken = True
            raise RuntimeError("broken")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A folder with the run `python` of a script, and `command`."""
    place = tmp_path_factory.mktemp("both")
    fit(place / "python")
    assert main([*QUICK, *LEVELS, "--run_dir", str(place / "command")]) == 0
    return place


def test_it_has_the_curve_and_the_settings_of_the_command(both):
    python, command = both / "python", both / "command"
    assert curve_without_seconds(python) == curve_without_seconds(command)
    held = [json.loads((folder / "settings.json").read_text()) for folder in (python, command)]
    assert held[0] == held[1]
    assert (python / "data.json").read_text() == (command / "data.json").read_text()
    assert {path.name for path in python.iterdir()} == {path.name for path in command.iterdir()}


def test_the_command_takes_it_for_its_own_and_tests_its_levels(both, capsys):
    config = ["--config", str(both / "python" / "config.yaml")]
    assert main(["fit", *config]) == 0
    assert "is finished" in capsys.readouterr().out
    assert main(["test", *config, "--ckpt_path", str(both / "python" / "levels" / "level-001.ckpt")]) == 0
    (row,) = (cells for cells in curve_without_seconds(both / "python") if cells[0] == "1")
    assert f"{float(row[10]):.5f}" in capsys.readouterr().out


def test_many_runs_are_read_as_one_group(both):
    with pytest.warns(UserWarning, match="repeats the settings and the seed"):
        runs = load_runs([both / "python", both / "command"])
    assert runs["finished"].all()
    assert set(runs["model.net.class_path"]) == {"sdd.models.MLP"}


def test_a_finished_run_is_not_trained_again(both):
    curve = (both / "python" / "curve.csv").read_bytes()
    with pytest.raises(UserError, match="holds a finished run of these settings"):
        fit(both / "python")
    with pytest.raises(UserError, match=r"different settings: seed_everything is 1 but was 0; .* default_root_dir"):
        fit(both / "python", seed=1)
    assert (both / "python" / "curve.csv").read_bytes() == curve
    assert not holds(both / "python")


def test_a_broken_run_goes_on_from_its_checkpoint_alone(both, tmp_path):
    breaks, folder = Breaks(), tmp_path / "run"
    with pytest.raises(RuntimeError, match="broken"):
        fit(folder, breaks)
    with pytest.raises(UserError, match=r"go on with ckpt_path='.*epoch-000002\.ckpt'"):
        fit(folder, breaks)
    other = both / "python" / "checkpoints" / "epoch-000004.ckpt"
    with pytest.raises(UserError, match="is no checkpoint of the run in"):
        fit(folder, breaks, ckpt_path=other)
    fit(folder, breaks, ckpt_path=folder / "checkpoints" / "epoch-000002.ckpt")
    assert curve_without_seconds(folder) == curve_without_seconds(both / "python")


def test_what_cannot_be_a_run_is_refused_before_training(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"not empty and holds no run: choose another default_root_dir"):
        fit(tmp_path / "mine")
    with pytest.raises(UserError, match="finished network, whose weights its seed has not drawn"):
        fit(tmp_path / "net", net=MLP(64, [20]))
    trainer, model, data = parts(tmp_path / "seeds")
    data.seed = 1
    with pytest.raises(UserError, match=r"different seeds \(model 0, data 1, pruning 0\)"):
        trainer.fit(model, data)
    assert not (tmp_path / "net").exists()


def _hold(folder, ready, done):
    from sdd.runs.folder import RunFolder

    with RunFolder(folder).owned():
        ready.set()
        done.wait(60)


def test_a_folder_in_work_is_refused(tmp_path):
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "run", ready, done))
    other.start()
    ready.wait(60)
    try:
        with pytest.raises(UserError, match="is being worked on by another process"):
            fit(tmp_path / "run")
    finally:
        done.set()
        other.join()


class Own(nn.Module):
    """A network that keeps no arguments."""

    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(64, width)


def changed():
    """A network of ours with another last layer."""
    net = MLP(64, [4])
    net.fc = nn.Linear(4, 10)
    return net


OWN = f"{Own.__module__}.Own"


@pytest.mark.parametrize(
    ("build", "path", "arguments"),
    [
        (lambda: MLP(64, [4]), "sdd.models.MLP", {"in_features": 64, "widths": [4], "num_classes": 10}),
        (partial(MLP, 64, widths=[4]), "sdd.models.MLP", {"in_features": 64, "widths": [4], "num_classes": 10}),
        (Own, OWN, {"width": 4}),
        (partial(Own, 5), OWN, {"width": 5}),
    ],
)
def test_a_network_is_known_by_what_builds_it(build, path, arguments):
    assert expressed_network(Classifier(build, sgd)) == {"class_path": path, "init_args": arguments}


def local(width, scale=1.0):
    """A class whose name says nothing of what it does."""

    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.fc = nn.Linear(64, width), nn.Linear(width, 10)

        def forward(self, images):
            return self.fc(self.linear(images.flatten(1))) * scale

    return Local


def powers(base):
    return lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: base**epoch)


def stepping(amount):
    """An optimizer that something else happens after."""

    def make(parameters):
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        optimizer.register_step_post_hook(lambda *_: amount)
        return optimizer

    return make


class Opt(torch.optim.SGD):
    """Has a setting that is none of its defaults."""

    def __init__(self, parameters, lr=0.1, flavour=1):
        super().__init__(parameters, lr=lr)
        self.flavour = flavour


class Scales(pl.Callback):
    """Counts its calls, as callbacks do."""

    def __init__(self, by):
        self.by, self.calls = by, 0

    def setup(self, trainer, pl_module, stage):
        self.trainer, self.module = trainer, pl_module

    def on_train_epoch_start(self, trainer, pl_module):
        self.calls += 1


def doubled(factor):
    class Doubled(Classifier):
        def forward(self, images):
            return super().forward(images) * factor

    return Doubled


def rounding(digits):
    class Rounds(Precision):
        def convert_input(self, data):
            return data.round(decimals=digits)

    return Rounds()


def chosen(net=Own, optimizer=sgd, schedule=None, callbacks=(), kind=Classifier, **options):
    """The settings by which a run of these parts is told from others, without any training."""
    module, data = kind(net, optimizer, schedule), NoisyLabelData()
    driver = IterativePruning(levels=1)
    options |= {"callbacks": [*callbacks, driver], "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    trainer = pl.Trainer(**options)
    trainer.datamodule = data
    trainer._data_connector.attach_datamodule(module, data)
    return configuration(trainer, module).settings.chosen


@pytest.mark.parametrize(
    "make",
    [
        lambda one: {"net": local(4 + one)},
        lambda one: {"net": local(4, scale=one)},
        lambda one: {"net": lambda: local(4, scale=one)()},
        lambda one: {"net": lambda: changed() if one else MLP(64, [4])},
        lambda one: {"net": partial(local(4, one))},
        lambda one: {"schedule": powers(one)},
        lambda one: {"schedule": partial(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda epoch: epoch + one)},
        lambda one: {"optimizer": stepping(one)},
        lambda one: {"optimizer": lambda parameters: torch.optim.SGD(list(parameters)[one:], lr=0.1)},
        lambda one: {"optimizer": lambda parameters: Opt(parameters, flavour=one)},
        lambda one: {"callbacks": [Scales(one)]},
        lambda one: {"callbacks": [Scales(lambda: one)]},
        lambda one: {"callbacks": [Scales(1)] * one},
        lambda one: {"kind": doubled(one)},
        lambda one: {"plugins": [rounding(one)]},
    ],
)
def test_what_no_import_path_names_is_told_by_what_it_does(make):
    assert chosen(**make(0)) == chosen(**make(0))
    assert chosen(**make(0)) != chosen(**make(1))


def test_a_run_is_told_by_its_teacher():
    def taught(width):
        def kind(*arguments):
            module = Classifier(*arguments, distill_from="teacher", distill_weight=0.5)
            with torch.random.fork_rng():
                torch.manual_seed(0)
                module.teach(MLP(64, [width]))
            return module

        return chosen(kind=kind)

    assert taught(4) == taught(4) != taught(5)


def test_a_callback_that_only_watches_makes_no_other_run():
    class Watches(Scales):
        decides_numbers = False

    class Bar(TQDMProgressBar):
        pass

    assert chosen(callbacks=[Watches(Lock())]) == chosen()
    assert chosen(callbacks=[Bar()]) == chosen(callbacks=[Bar(2)]) != chosen()
    with pytest.raises(
        UserError, match=r"callbacks.0 uses an object of lock, .* reached by 'by', .* decides_numbers ="
    ):
        chosen(callbacks=[Scales(Lock())])


def test_another_run_of_the_same_names_is_not_taken_for_it(tmp_path):
    folder, scales = tmp_path / "run", Scales(1)
    breaks = Breaks()
    with pytest.raises(RuntimeError, match="broken"):
        fit(folder, breaks, scales, net=local(10))
    checkpoint = folder / "checkpoints" / "epoch-000002.ckpt"
    with pytest.raises(
        UserError, match=r"model.net does something else than it did: .* default_root_dir of the Trainer"
    ):
        fit(folder, breaks, scales, net=local(10, scale=2.0), ckpt_path=checkpoint)
    with pytest.raises(UserError, match=r"trainer.callbacks.0 does something else than it did"):
        fit(folder, breaks, Scales(2), net=local(10), ckpt_path=checkpoint)
    assert scales.calls == 3
    fit(folder, breaks, scales, net=local(10), ckpt_path=checkpoint)  # which has counted since
    with pytest.raises(UserError, match="holds a finished run of these settings"):
        fit(folder, breaks, Scales(1), net=local(10))


def test_a_new_folder_goes_on_from_a_checkpoint_of_the_same_run_alone(tmp_path, both):
    (checkpoint,) = (both / "python" / "checkpoints").glob("*.ckpt")
    with pytest.raises(UserError, match="was written by another run: seed_everything is 1 but was 0; go on from one"):
        fit(tmp_path / "other", seed=1, ckpt_path=checkpoint)
    fit(tmp_path / "same", ckpt_path=checkpoint)
    assert curve_without_seconds(tmp_path / "same") == curve_without_seconds(both / "python")
    own = ModelCheckpoint(dirpath=tmp_path / "mine", save_top_k=-1)
    fit(tmp_path / "one", own)
    written = sorted((tmp_path / "mine").glob("*.ckpt"))[0]
    with pytest.raises(UserError, match="was written by another run: seed_everything is 1 but was 0"):
        fit(tmp_path / "two", seed=1, ckpt_path=written)
    content = torch.load(written, weights_only=False)
    torch.save({name: held for name, held in content.items() if name != ORIGIN}, tmp_path / "unsigned.ckpt")
    with pytest.raises(UserError, match="does not say which run wrote it"):
        fit(tmp_path / "two", ckpt_path=tmp_path / "unsigned.ckpt")


def test_parts_that_have_been_used_start_no_run(tmp_path):
    trainer, model, data = parts(tmp_path / "one")
    trainer.fit(model, data)
    again, fresh, _ = parts(tmp_path / "two")
    with pytest.raises(
        UserError, match="has not the weights that seed 0 draws, since it was trained or changed before"
    ):
        again.fit(model, data)
    again.callbacks = trainer.callbacks
    with pytest.raises(
        UserError, match=r"IterativePruning, .* has taken part in a training, .*; make the callbacks anew"
    ):
        again.fit(fresh, data)
    net = MLP(64, [20])
    with pytest.raises(UserError, match="returns one that was there before"):
        fit(tmp_path / "two", net=lambda: net)
    assert not (tmp_path / "two" / "settings.json").exists()


class Renamed(LevelWarnings):
    """A callback of a user's on top of one of ours."""


class Watching(LevelCallback):
    """A callback of a user's own, which may be used again."""


def test_callbacks_on_top_of_ours_start_no_second_run_and_a_users_own_may(tmp_path):
    watching, renamed = Watching(), Renamed()
    fit(tmp_path / "one", watching)
    fit(tmp_path / "two", watching, renamed)
    with pytest.raises(UserError, match=r"^Renamed: has taken part in a training"):
        fit(tmp_path / "three", renamed)


def test_a_setting_that_was_changed_after_the_making_is_refused(tmp_path):
    trainer, model, data = parts(tmp_path / "run")
    data.batch_size = 20
    with pytest.raises(UserError, match=r"data.batch_size is 20, but NoisyLabelData was made with 50: give it to the"):
        trainer.fit(model, data)


def test_an_optimizer_is_known_by_its_defaults():
    known = expressed_optimizer(Classifier(Own, lambda parameters: torch.optim.Adam(parameters, lr=0.5)))
    assert known["class_path"] == "torch.optim.Adam"
    assert known["init_args"]["lr"] == 0.5
    assert known["init_args"]["betas"] == [0.9, 0.999]
    assert known == expressed_optimizer(Classifier(Own, partial(torch.optim.Adam, lr=0.5)))


def test_paths_are_the_shortest_and_a_lambda_has_none():
    assert import_path(torch.optim.SGD) == "torch.optim.SGD"
    assert import_path(small_net) == "tests.small.small_net"
    with pytest.raises(UnknownError, match=r"<lambda> of test_python_run\.py, line"):
        import_path(lambda: None)


def test_settings_of_the_trainer_are_read_off_it(tmp_path):
    limits = {"limit_train_batches": 1, "gradient_clip_val": 0.5, "accumulate_grad_batches": 2}
    trainer, model, data = parts(tmp_path, pl.Callback(), **limits, precision="bf16-mixed", deterministic="warn")
    torch.use_deterministic_algorithms(False)
    trainer.datamodule = data
    trainer._data_connector.attach_datamodule(model, data)
    what = configuration(trainer, model)
    chosen = {name[8:]: value for name, value in what.settings.chosen.items() if name.startswith("trainer.")}
    own = {"callbacks.0.class_path": "lightning.Callback", "precision": "bf16-mixed"}
    assert chosen.pop("callbacks.0.code")
    assert chosen == {**limits, **own}
    assert what.unknown == {"trainer.callbacks.0": "the arguments of Callback"}
    assert f"{tmp_path}" in what.text


def test_numbers_and_texts_are_written_as_plain_ones():
    clipping = GradClipAlgorithmType("value")
    written = expressed([True, 3, np.float64(0.5), clipping, {"a": None}])
    assert written == [True, 3, 0.5, "value", {"a": None}]
    assert [type(one) for one in written] == [bool, int, float, str, dict]
