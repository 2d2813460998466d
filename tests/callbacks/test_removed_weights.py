"""Removed weights are where they belong at the end of each level, whatever the network, or the run ends."""

import json

import pytest
import torch

from sdd.analysis.curve import read_curve
from sdd.callbacks import FlatnessMeasures, LevelCallback
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.seeding import derive_seed
from tests.callbacks.test_iterative_pruning import adam, shaken
from tests.networks import AttentionNet, NormedNet, RecurrentNet, TiedEmbedding, TiedNet
from tests.small import level_state, sgd, small_run

TIED = ("a.weight", "b.weight", "c.weight")


def adamw(parameters):
    return torch.optim.AdamW(parameters, lr=0.01)


def rmsprop(parameters):
    return torch.optim.RMSprop(parameters, lr=0.001, momentum=0.9, weight_decay=1e-3)


def check_zeros(folder, levels=2):
    """Compare the zeros of the stored weights with the curve, by masks and by themselves."""
    for level in range(levels + 1):
        state, masks = level_state(folder, level)
        zeros = sum(int((state[name] == 0).sum()) for name in masks)
        prunable = sum(state[name].numel() for name in masks)
        row = read_curve(folder / "curve.csv")[level]
        assert row["remaining"] == prunable - zeros
        assert row["sparsity"] == zeros / prunable
        assert (zeros > 0) == (level > 0)


@pytest.mark.parametrize(
    ("optimizer", "retrain"),
    [(sgd, "lottery"), (adam, "scratch"), (adamw, "lr_rewind"), (rmsprop, "finetune"), (shaken, "lottery")],
)
def test_a_tied_weight_is_one_parameter_with_one_mask(tmp_path, optimizer, retrain):
    flatness = [FlatnessMeasures(hessian_trace=True, trace_probes=1, examples=20)] if optimizer is sgd else []
    _, module, _ = small_run(tmp_path, *flatness, build=TiedNet, optimizer=optimizer, retrain=retrain, levels=2)
    check_zeros(tmp_path)
    state, masks = level_state(tmp_path, 2)
    assert set(masks) == {"input.weight", "a.weight"}
    assert all(torch.equal(state[name], state["a.weight"]) for name in TIED)
    assert module.net.b.weight is module.net.a.weight
    assert module.net.c is module.net.a


@pytest.mark.parametrize("frozen", ["initial", "final"])
def test_a_tied_weight_is_frozen_under_all_its_names(tmp_path, frozen):
    small_run(tmp_path, build=TiedNet, frozen=frozen, retrain="lr_rewind", levels=2, epochs_per_level=1)
    torch.manual_seed(derive_seed(0, "initial weights", 0))
    first = TiedNet().a.weight.detach()
    for level in (1, 2):
        (before, _), (state, masks) = (level_state(tmp_path, number) for number in (level - 1, level))
        removed = ~masks["a.weight"]
        held = before["a.weight"] if frozen == "final" else first
        assert torch.equal(state["b.weight"][removed], held[removed])
        assert all(torch.equal(state[name], state["a.weight"]) for name in TIED)


@pytest.mark.parametrize(
    ("build", "pruned"),
    [
        (TiedEmbedding, {"embedding.weight"}),
        (AttentionNet, {"input.weight", "attention.in_proj_weight", "attention.out_proj.weight"}),
        (RecurrentNet, {"layer.weight_ih_l0", "layer.weight_hh_l0"}),
        (NormedNet, {"input.weight"}),
    ],
)
def test_each_kind_of_layer_ends_with_as_many_zeros_as_are_said(tmp_path, build, pruned):
    small_run(tmp_path, build=build, criterion="gradient", levels=2, epochs_per_level=1)
    check_zeros(tmp_path)
    assert set(level_state(tmp_path, 2)[1]) == pruned


class Overwrites(LevelCallback):
    """Stands for callbacks that average or restore weights."""

    def on_train_epoch_end(self, trainer, pl_module):
        with torch.no_grad():
            for parameter in pl_module.net.parameters():
                parameter.add_(1e-3)


@pytest.mark.parametrize("frozen", ["zero", "final"])
def test_a_callback_that_moves_removed_weights_ends_the_run_in_one_line(tmp_path, frozen):
    with pytest.raises(UserError, match=r"level 1: [\d,]+ removed weights of hidden\.0\.weight .*callback") as caught:
        small_run(tmp_path, Overwrites(), frozen=frozen, epochs_per_level=1)
    assert "\n" not in str(caught.value)
    assert [row["level"] for row in read_curve(tmp_path / "curve.csv")] == [0]


def test_what_is_never_pruned_is_named_once_and_kept(tmp_path, capsys):
    small_run(tmp_path, build=AttentionNet, levels=1, epochs_per_level=1)
    line = "not pruned: position (in a module of another kind), fc.weight (excluded): 216 of 888 weights, 24.3 %"
    assert capsys.readouterr().out.splitlines().count(line) == 1
    kept = json.loads((tmp_path / "summary.json").read_text())["not_pruned"]
    assert kept == {
        "prunable": read_curve(tmp_path / "curve.csv")[0]["remaining"],
        "count": 216,
        "fraction": 216 / 888,
        "weights": {
            "position": {"count": 96, "reason": "in a module of another kind"},
            "fc.weight": {"count": 120, "reason": "excluded"},
        },
    }


class Ruins(LevelCallback):
    """Writes into all that a level is told by."""

    def measure_level(self, trainer, pl_module, level):
        for tensors in (level.initial, level.start, level.masks):
            for name in tensors:
                tensors[name].zero_()
        return {}


def test_a_measure_that_writes_into_what_it_is_told_changes_nothing(tmp_path):
    small_run(tmp_path / "plain", levels=2, epochs_per_level=1)
    small_run(tmp_path / "ruined", Ruins(), levels=2, epochs_per_level=1)
    for level in range(3):
        plain, ruined = (level_state(tmp_path / name, level) for name in ("plain", "ruined"))
        for part in (0, 1):
            assert all(torch.equal(value, ruined[part][name]) for name, value in plain[part].items())


@pytest.mark.parametrize(
    ("held", "found", "word"),
    [(("a.w",), ("a.w", "b.w"), "b.w is not pruned"), (("a.w", "b.w"), ("a.w",), "b.w has none")],
)
def test_a_checkpoint_of_other_pruned_weights_is_refused_in_one_line(held, found, word):
    module = Classifier(TiedNet(), sgd)
    module.set_masks({name: torch.ones(2, dtype=torch.bool) for name in held})
    state = {f"mask_buffers.{name.replace('.', '/')}": torch.ones(2) for name in found}
    with pytest.raises(UserError, match=word) as caught:
        module.on_load_checkpoint({"state_dict": state})
    assert "\n" not in str(caught.value)
