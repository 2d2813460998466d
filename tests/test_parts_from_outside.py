"""Parts of one's own, named on the command line, with no file of ours touched."""

import json

import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import FlatnessMeasures, IterativePruning
from sdd.errors import UserError
from tests.small import QUICK, curve_without_seconds, keep_both_checkpoints, level_state

MINE = '''
import torch
from torch import nn
from torch.nn import functional
from sdd.callbacks import LevelCallback
from sdd.pruning.retraining import Retraining
from sdd.pruning.scopes import Group


class Net(nn.Module):
    def __init__(self, width: int = 12):
        super().__init__()
        self.first, self.last = nn.Linear(64, width), nn.Linear(width, 10)

    def forward(self, images):
        return self.last(self.first(images.flatten(1)).relu())


class Weighted(nn.CrossEntropyLoss):
    """Cross-entropy with class weights in a buffer."""

    def __init__(self, first: float):
        super().__init__(weight=torch.tensor([first, *[1.0] * 9]))


def snip(scoring, *, batches=1):
    """Lee et al. 2019, up to a factor that no ranking sees."""
    totals = {name: 0 for name in scoring.parameters}
    for inputs, labels in scoring.batches(batches):
        loss = scoring.loss.sum(scoring.net(inputs), labels)
        gradients = torch.autograd.grad(loss, list(scoring.parameters.values()))
        for (name, weight), gradient in zip(scoring.parameters.items(), gradients):
            totals[name] = totals[name] + weight * gradient
    return {name: total.abs() for name, total in totals.items()}


def last_rows(scoring):
    return {name: -torch.arange(weight.numel()).view_as(weight) for name, weight in scoring.parameters.items()}


def halfway(restart, *, part=0.5):
    return {name: part * restart.trained[name] + (1 - part) * restart.rewind[name] for name in restart.trained}


slow_halfway = Retraining(halfway, rate=lambda rates: 0.001 if rates.level else None)


def pairs(surviving, *, first):
    names = list(surviving.masks)
    return [Group(names[:1], first), Group(names[1:], surviving.to_remove(names[1:]))]


def cubic(*, levels, final):
    return [final * (1 - (1 - level / levels) ** 3) for level in range(1, levels + 1)]


class Norm(LevelCallback):
    def __init__(self, power: int = 2):
        self.power = power

    def measure_level(self, trainer, pl_module, level):
        return {"weight_norm": sum(weight.abs().pow(self.power).sum() for weight in pl_module.net.parameters())}
'''
SHORT = [*QUICK, "--pruning.levels", "2", "--pruning.epochs_per_level", "1"]


@pytest.fixture
def fit(tmp_path, monkeypatch):
    """Run an experiment with a module of one's own on Python's path; returns its folder."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, name="run"):
        assert main([*SHORT, *arguments, "--run_dir", name]) == 0
        return tmp_path / name

    return run


def test_network(fit, tmp_path):
    plain = ["--config", "net.yaml"]
    content = "model: {net: {class_path: mine.Net, init_args: {width: 6}}}\npruning: {exclude: [last.weight]}\n"
    (tmp_path / "net.yaml").write_text(content)
    assert main([*SHORT[:3], *plain, *SHORT[3:7], *SHORT[9:], "--run_dir", "run"]) == 0
    assert [row["remaining"] for row in read_curve("run/curve.csv")] == [384, 192, 96]


@pytest.mark.slow
def test_loss_with_a_buffer_is_trained_measured_and_goes_on_from_a_checkpoint(fit, tmp_path, monkeypatch):
    keep_both_checkpoints(monkeypatch)
    loss = ["--model.loss", "mine.Weighted", "--model.loss_args.first", "5"]
    folder = fit(*loss, "--pruning.criterion", "gradient", "--flatness.sharpness", "true")
    whole = curve_without_seconds(folder)
    plain = fit("--pruning.criterion", "gradient", "--flatness.sharpness", "true", name="plain")
    for name in ("train_loss", "sharpness", "distance"):
        assert read_curve(folder / "curve.csv")[0][name] != read_curve(plain / "curve.csv")[0][name]
    state = torch.load(folder / "levels" / "level-001.ckpt", weights_only=True)["state_dict"]
    assert state["loss_module.weight"].tolist() == [5.0, *[1.0] * 9]
    (folder / "summary.json").unlink()
    max((folder / "checkpoints").iterdir()).unlink()
    assert fit(*loss, "--pruning.criterion", "gradient", "--flatness.sharpness", "true") == folder
    assert curve_without_seconds(folder) == whole
    assert main(["test", *SHORT[1:], *loss, "--run_dir", "run"]) == 0


@pytest.mark.slow
def test_smoothing_of_zero_in_torchs_class_is_the_default_bit_for_bit(fit):
    smooth = ["--model.loss", "torch.nn.CrossEntropyLoss", "--model.loss_args.label_smoothing"]
    extra = ["--pruning.criterion", "gradient", "--flatness.sharpness", "true", "--data.val_size", "50"]
    default, zero = fit(*extra, name="default"), fit(*extra, *smooth, "0", name="zero")
    assert curve_without_seconds(default) == curve_without_seconds(zero)
    assert curve_without_seconds(fit(*extra, *smooth, "0.1", name="some")) != curve_without_seconds(zero)


def test_loss_without_a_reduction(fit):
    rows = read_curve(fit("--model.loss", "torch.nn.functional.multi_margin_loss") / "curve.csv")
    assert all(0 < row["test_loss"] < 2 for row in rows)


@pytest.mark.slow
def test_criterion_with_arguments(fit):
    one = fit("--pruning.criterion", "mine.snip", name="one")
    four = fit("--pruning.criterion", "mine.snip", "--pruning.criterion_args.batches", "4", name="four")
    gradient = fit("--pruning.criterion", "gradient", "--pruning.criterion_args.batches", "4", name="gradient")
    assert level_state(one, 1)[1]["hidden.0.weight"].equal(level_state(four, 1)[1]["hidden.0.weight"]) is False
    assert curve_without_seconds(four) == curve_without_seconds(gradient)
    rows = fit("--pruning.criterion", "mine.last_rows", "--pruning.scope", "layer", name="rows")
    assert level_state(rows, 1)[1]["hidden.0.weight"].any(1).tolist() == [True] * 10 + [False] * 10


@pytest.mark.slow
def test_retraining_mode(fit):
    folder = fit("--pruning.retrain", "mine.halfway", "--pruning.retrain_args.part", "0.0", name="none")
    assert curve_without_seconds(folder) == curve_without_seconds(fit(name="lottery"))
    whole = fit("--pruning.retrain", "mine.halfway", "--pruning.retrain_args.part", "1", name="all")
    assert curve_without_seconds(whole) == curve_without_seconds(fit("--pruning.retrain", "lr_rewind", name="stays"))
    rows = read_curve(fit("--pruning.retrain", "mine.slow_halfway", name="slow") / "curve.csv")
    assert 0 < rows[1]["distance_start"] < rows[0]["distance_start"] / 20


@pytest.mark.slow
def test_scope_and_schedule(fit):
    arguments = ["--pruning.scope", "mine.pairs", "--pruning.scope_args.first", "100", "--pruning.exclude", "[]"]
    masks = [level_state(fit(*arguments), level)[1] for level in (1, 2)]
    assert [[int(mask.sum()) for mask in level.values()] for level in masks] == [[1180, 100], [1080, 50]]
    rates = ["--pruning.scope", "rates", "--pruning.scope_args.rates", "{hidden.*: 0.1}", "--pruning.exclude", "[]"]
    assert [int(mask.sum()) for mask in level_state(fit(*rates, name="rates"), 1)[1].values()] == [1152, 100]
    cubic = ["--pruning.schedule", "mine.cubic", "--pruning.schedule_args.final", "0.8", "--pruning.levels", "3"]
    remaining = [row["remaining"] for row in read_curve(fit(*cubic, name="cubic") / "curve.csv")]
    assert remaining == [1280, 1280 - 721, 1280 - 987, 1280 - 1024]


def test_measure(fit):
    folder = fit("--trainer.callbacks+", "mine.Norm", "--trainer.callbacks.power", "1")
    rows, (state, _) = read_curve(folder / "curve.csv"), level_state(folder, 1)
    assert rows[1]["weight_norm"] == pytest.approx(sum(value.abs().sum() for value in state.values()).item())
    assert "test_acc" in rows[1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--pruning.criterion", "magnitud"], "did you mean magnitude?"),
        (["--pruning.criterion", "mine.snipp"], "mine has no snipp"),
        (["--pruning.criterion", "mine.snip", "--pruning.criterion_args.batch", "4"], "allowed: batches"),
        (["--pruning.retrain", "lotery"], "allowed: finetune, lottery, lr_rewind, redense, scratch"),
        (["--pruning.scope", "globl"], "allowed: global, layer, rates"),
        (["--pruning.scope", "rates"], "needs pruning.scope_args.rates"),
        (["--pruning.scope", "rates", "--pruning.scope_args.rates", "{fc: 0.1}"], "'fc' matches no prunable weight"),
        (["--pruning.schedule", "geometric", "--pruning.sparsities", "[0.5]"], "does not use pruning.sparsities"),
        (["--pruning.schedule", "mine.cubic"], "needs pruning.schedule_args.final"),
        (["--model.loss", "mine.Weighted"], "needs model.loss_args.first"),
        (["--model.loss", "torch.nn.functional.mse_loss"], "does not take outputs of shape [2, 10]"),
        (["--model.loss", "cross_entropi"], "did you mean cross_entropy?"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(fit, tmp_path, capsys, arguments, word):
    assert main([*SHORT, *arguments, "--run_dir", "run"]) == 2
    shown = capsys.readouterr().err
    assert word in shown
    assert shown.startswith("sdd: error: ")
    assert shown.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: IterativePruning(criterion="magnitud"), "allowed: gradient, largest, magnitude, random"),
        (lambda: IterativePruning(retrain="lotery"), "allowed: finetune, lottery, lr_rewind, redense, scratch"),
        (lambda: IterativePruning(scope="globl"), "allowed: global, layer, rates"),
        (lambda: IterativePruning(frozen="zeros"), "allowed: zero, initial, final"),
        (lambda: FlatnessMeasures(space="survivng"), "allowed: surviving, full"),
    ],
)
def test_a_typo_in_python_is_refused_with_the_allowed_names(make, word):
    with pytest.raises(UserError, match=word):
        make()


def test_a_runs_settings_tell_its_parts(fit):
    folder = fit("--pruning.criterion", "mine.snip", "--pruning.criterion_args.batches", "2")
    text = json.dumps(json.loads((folder / "settings.json").read_text()))
    assert '"pruning.criterion": "mine.snip"' in text
    assert '"pruning.criterion_args.batches": 2' in text
