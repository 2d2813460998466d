"""Any value of any setting trains one tiny level, or is refused in one line before the training."""

import pytest

from tests.fuzz.copies import all_imported
from tests.fuzz.outcomes import Outcome
from tests.fuzz.settings import Case, outcomes, sample

FOUND = {
    "trained": ("trainer.val_check_interval=0", "data.noise_seed=100000000000000000000000", "pruning.dense_from=-.inf"),
    "tried": ("trainer.fast_dev_run=3",),
    "refused": (
        "trainer.check_val_every_n_epoch=0",
        "trainer.num_nodes=2",
        "trainer.max_time={days: 1.0e+18}",
        "trainer.devices=x",
        "trainer.overfit_batches=nan",
        "threads=1000000",
        "pruning.levels=100000000000000000000000",
        "pruning.sparsities=[.nan]",
        "model.optimizer.lr=.inf",
        "model.net.widths=[0]",
        "model.loss_args={a: .nan}",
        "data.batch_size=9223372036854775808",
        f"pruning.exclude={'[' * 20_000}",
        f"data.dataset={'x' * 5000}",
        "config=/dev/zero",
    ),
}
"""What was a traceback, hung, or trained something else, and settings beside it that must go on to work."""


def _case(text: str) -> Case:
    name, _, value = text.partition("=")
    return Case(((name, value),), typed=True)


def _all(cases: list[Case]) -> list[Outcome]:
    with all_imported():
        return list(outcomes(cases))


@pytest.mark.slow
def test_values_that_once_went_wrong():
    expected = {text: end for end, texts in FOUND.items() for text in texts}
    found = dict(zip(expected, _all([*map(_case, expected)]), strict=True))
    assert {text: (outcome.end, outcome.said) for text, outcome in found.items() if outcome.end != expected[text]} == {}
    assert "it must be one of: int, float" in found["trainer.overfit_batches=nan"].said
    named = ("check_val_every_n_epoch", "num_nodes", "max_time", "threads", "levels", "sparsities", "lr", "batch_size")
    for text in FOUND["refused"]:
        name = text.partition("=")[0].rpartition(".")[2]
        assert name not in named or name in found[text].said


@pytest.mark.slow
def test_a_sample_of_all_settings_and_values():
    assert [f"{one.line}: {one.end}: {one.said}" for one in _all(sample(80, seed=0)) if not one.well] == []
