import math

import pytest

from sdd.cli.numbers import check_numbers
from sdd.errors import UserError


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": {"optimizer": {"init_args": {"lr": math.nan}}}}, "model.optimizer.init_args.lr is nan"),
        ({"model": {"optimizer": {"init_args": {"lr": math.inf}}}}, "model.optimizer.init_args.lr is inf"),
        ({"model": {"loss_args": {"weights": [1.0, [math.nan]]}}}, "model.loss_args.weights is nan"),
        ({"pruning": {"sparsities": [0.5, -math.inf]}}, "pruning.sparsities is -inf"),
        ({"data": {"batch_size": 2**63}}, "data.batch_size is 9223372036854775808; it must lie within"),
        ({"threads": -(10**30)}, "threads is -1000"),
    ],
)
def test_a_number_that_means_nothing_is_refused_by_its_name(settings, words):
    with pytest.raises(UserError, match=words):
        check_numbers(settings)


def test_other_numbers_pass():
    check_numbers(
        {
            "seed_everything": 2**32 - 1,
            "data": {"noise_seed": 10**30, "train_size": 10**9, "root": "nan", "val_size": None},
            "model": {"net": {"init_args": {"scale": math.inf, "cap": 10**18}}, "loss_args": {"p": math.inf}},
            "trainer": {"benchmark": True, "limit_val_batches": 1e11},
        }
    )
