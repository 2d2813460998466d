"""Masks from elsewhere are those of the run's start, level by level, when it is gone on with."""

import pytest
import torch

from sdd.callbacks.given_masks import GivenMasks
from sdd.errors import UserError
from sdd.models.state import digest_of
from sdd.pruning.retraining import RETRAININGS


class Source:
    """A run of three levels, in memory."""

    def __init__(self):
        self.levels = [{"mask": torch.arange(4) >= level, "weight": torch.full((4,), level / 2)} for level in range(3)]

    def masks(self, level):
        return {"fc": self.levels[level]["mask"]}

    def digest(self, level, *, weights):
        return digest_of(self.levels[level] if weights else self.masks(level))


@pytest.mark.parametrize("retrain", ["scratch", "redense"])
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("part", ["mask", "weight"])
def test_a_level_that_has_changed_is_named_whether_it_was_taken_yet_or_not(retrain, level, part):
    source, retraining = Source(), RETRAININGS.get(retrain, None)
    held = {"fc": torch.ones(4, dtype=torch.bool)} if retrain == "redense" else source.masks(1)
    started = GivenMasks(source, retraining, 0, masks_shuffled=False)
    started.check_unchanged(0, source.masks(0), 2)

    def gone_on():
        again = GivenMasks(source, retraining, 0, masks_shuffled=False)
        again.load_state_dict(started.state_dict())
        again.check_unchanged(1, held, 2)

    gone_on()
    value = source.levels[level][part]
    source.levels[level][part] = ~value if part == "mask" else value + 1e-6
    if retrain == "scratch" and part == "weight":
        gone_on()  # it takes masks alone
        return
    with pytest.raises(UserError, match=f"masks_from: its level {level} has other .* than when this run was started"):
        gone_on()


def test_of_a_version_that_kept_no_digests_the_masks_in_use_are_compared():
    source, retraining = Source(), RETRAININGS.get("scratch", None)
    GivenMasks(source, retraining, 0, masks_shuffled=False).check_unchanged(1, source.masks(1), 2)
    with pytest.raises(UserError, match="its level 1 has other masks"):
        GivenMasks(source, retraining, 0, masks_shuffled=False).check_unchanged(1, source.masks(2), 2)
