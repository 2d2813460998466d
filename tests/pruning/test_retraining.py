import pytest
import torch

from sdd.pruning.retraining import start_state

TRAINED = {"w": torch.tensor([1.0, 2.0]), "norm.running_mean": torch.tensor([0.1])}
REWIND = {"w": torch.tensor([3.0, 4.0]), "norm.running_mean": torch.tensor([0.2])}
FRESH = {"w": torch.tensor([5.0, 6.0]), "norm.running_mean": torch.tensor([0.3])}


@pytest.mark.parametrize(
    ("mode", "source"),
    [("lottery", REWIND), ("lr_rewind", TRAINED), ("finetune", TRAINED), ("scratch", FRESH), ("redense", TRAINED)],
)
def test_each_mode_takes_weights_and_statistics_from_one_place(mode, source):
    masks = {"w": torch.tensor([False, True])}
    start = start_state(mode, TRAINED, REWIND, lambda: FRESH, masks)
    assert start["w"].tolist() == [0.0, source["w"][1].item()]
    assert torch.equal(start["norm.running_mean"], source["norm.running_mean"])
    start["norm.running_mean"] += 1
    assert source["norm.running_mean"].item() < 1, "the stored weights must not be aliased"


def test_removed_weights_start_at_their_frozen_values():
    frozen = {"w": torch.tensor([7.0, 8.0])}
    start = start_state("lottery", TRAINED, REWIND, lambda: FRESH, {"w": torch.tensor([False, True])}, frozen)
    assert start["w"].tolist() == [7.0, 4.0]
