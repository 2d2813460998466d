import pytest
import torch

from sdd.pruning.retrain import start_state

TRAINED = {"w": torch.tensor([1.0, 2.0]), "norm.running_mean": torch.tensor([0.1])}
REWIND = {"w": torch.tensor([3.0, 4.0]), "norm.running_mean": torch.tensor([0.2])}
FRESH = {"w": torch.tensor([5.0, 6.0]), "norm.running_mean": torch.tensor([0.3])}


@pytest.mark.parametrize(
    ("mode", "source"),
    [("lottery", REWIND), ("lr_rewind", TRAINED), ("finetune", TRAINED), ("scratch", FRESH)],
)
def test_each_mode_takes_weights_and_statistics_from_one_place(mode, source):
    masks = {"w": torch.tensor([False, True])}
    start = start_state(mode, lambda: TRAINED, REWIND, lambda: FRESH, masks)
    assert start["w"].tolist() == [0.0, source["w"][1].item()]
    assert torch.equal(start["norm.running_mean"], source["norm.running_mean"])
    start["norm.running_mean"] += 1
    assert source["norm.running_mean"].item() < 1, "the stored weights must not be aliased"
