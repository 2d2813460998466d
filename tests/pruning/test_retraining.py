import pytest
import torch

from sdd.errors import UserError
from sdd.pruning.retraining import RETRAININGS, Rates, Restart, Retraining, start_state

TRAINED = {"w": torch.tensor([1.0, 2.0]), "norm.running_mean": torch.tensor([0.1])}
REWIND = {"w": torch.tensor([3.0, 4.0]), "norm.running_mean": torch.tensor([0.2])}
FRESH = {"w": torch.tensor([5.0, 6.0]), "norm.running_mean": torch.tensor([0.3])}
INITIAL = {"w": torch.tensor([9.0, 9.0]), "norm.running_mean": torch.tensor([0.4])}


def start(mode, frozen=None):
    restart = Restart(1, TRAINED, REWIND, INITIAL, lambda: FRESH, {"w": torch.tensor([False, True])})
    retraining = RETRAININGS.get(mode) if isinstance(mode, str) else mode
    return start_state("my.own", retraining, restart, frozen)


@pytest.mark.parametrize(
    ("mode", "source"),
    [("lottery", REWIND), ("lr_rewind", TRAINED), ("finetune", TRAINED), ("scratch", FRESH), ("redense", TRAINED)],
)
def test_each_mode_takes_weights_and_statistics_from_one_place(mode, source):
    begun = start(mode)
    assert begun["w"].tolist() == [0.0, source["w"][1].item()]
    assert torch.equal(begun["norm.running_mean"], source["norm.running_mean"])
    begun["norm.running_mean"] += 1
    assert source["norm.running_mean"].item() < 1, "the stored weights must not be aliased"


def test_removed_weights_start_at_their_frozen_values():
    assert start("lottery", {"w": torch.tensor([7.0, 8.0])})["w"].tolist() == [7.0, 4.0]


@pytest.mark.parametrize(
    ("mode", "dense", "pruned"),
    [("lottery", None, None), ("scratch", None, None), ("finetune", None, 0.3), ("redense", 0.01, 0.01)],
)
def test_rates(mode, dense, pruned):
    rate = RETRAININGS.get(mode).rate
    assert [rate(Rates(level, 0.3, lambda: 0.01)) for level in (0, 1)] == [dense, pruned]
    own = 0.002 if mode == "redense" else None
    assert own is None or [rate(Rates(level, 0.3, lambda: 0.01, own)) for level in (0, 1)] == [own, own]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"w": torch.zeros(2)}, r"norm\.running_mean of shape None"),
        (TRAINED | {"more": torch.zeros(1)}, r"more of shape \(1,\); the network has it of shape None"),
        (TRAINED | {"w": torch.zeros(3)}, r"w of shape \(3,\)"),
        (TRAINED | {"w": [1.0, 2.0]}, "w of shape None"),
        (None, "gives a NoneType"),
    ],
)
def test_a_start_that_is_no_state_of_the_network_is_refused_with_the_modes_name(given, word):
    with pytest.raises(UserError, match=rf"^pruning\.retrain my\.own .*{word}") as caught:
        start(Retraining(lambda _: given))
    assert "\n" not in str(caught.value)


def test_a_mode_that_writes_into_what_it_is_given_changes_no_later_level():
    initial = {"w": torch.ones(3)}

    def start(restart):
        for state in (restart.initial, restart.rewind, restart.trained, restart.masks):
            state["w"].zero_()
        return restart.initial

    masks = {"w": torch.ones(3, dtype=torch.bool)}
    restart = Restart(1, initial, initial, initial, dict, masks)
    assert start_state("mine", Retraining(start), restart)["w"].tolist() == [0, 0, 0]
    assert initial["w"].tolist() == [1, 1, 1]
    assert masks["w"].tolist() == [True, True, True]
