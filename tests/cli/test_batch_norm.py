"""Batch normalisation is refused before the training where its statistics are not those of a batch."""

import lightning.pytorch as pl
import pytest
import torch

from sdd.cli.batch_norm import check_batch_norm
from sdd.cli.parse import parse
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from tests.small import QUICK, NormNet, run_process, small_net


def frozen():
    """A network whose statistics are not trained."""
    net = NormNet()
    net.norm.eval()
    return net


def pl_trainer(**arguments):
    return pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, **arguments)


@pytest.mark.parametrize("examples", [51, 1, 101])
def test_a_last_batch_of_one_is_refused_with_the_flag(examples):
    data = NoisyLabelData(train_size=examples, batch_size=50)
    with pytest.raises(
        UserError, match=rf"single example \({examples} .*of 50\).*\(norm\).*set --data\.drop_last true"
    ) as caught:
        check_batch_norm(NormNet(), data, pl_trainer())
    assert "\n" not in str(caught.value)


def test_batches_of_one_are_refused():
    with pytest.raises(UserError, match="single example"):
        check_batch_norm(NormNet(), NoisyLabelData(train_size=4, batch_size=1), pl_trainer())


@pytest.mark.parametrize(
    ("net", "data", "trainer"),
    [
        (NormNet, {"train_size": 50}, {}),
        (NormNet, {"train_size": 52}, {}),
        (NormNet, {"train_size": 51, "drop_last": True}, {}),
        (NormNet, {"train_size": 101}, {"limit_train_batches": 2}),
        (NormNet, {"train_size": 101}, {"limit_train_batches": 0.7}),
        (NormNet, {"train_size": 51}, {"overfit_batches": 1}),
        (frozen, {"train_size": 51}, {}),
        (small_net, {"train_size": 51}, {}),
    ],
)
def test_what_can_be_trained_is_not_refused(net, data, trainer):
    check_batch_norm(net(), NoisyLabelData(**{"batch_size": 50} | data), pl_trainer(**trainer))


def parallel(world_size, device, layer_sync):
    """A trainer of several processes, as far as it is looked at."""
    trainer = pl_trainer(strategy="ddp", devices=1)
    trainer.strategy._layer_sync = layer_sync
    kind = type("Parallel", (type(trainer.strategy),), {"root_device": torch.device(device), "world_size": world_size})
    trainer.strategy.__class__ = kind
    return trainer


@pytest.mark.parametrize(
    ("world_size", "device", "layer_sync", "said"),
    [
        (2, "cpu", None, r"2 processes on the CPU .*set --trainer\.devices 1"),
        (2, "cpu", "on", r"2 processes on the CPU"),
        (2, "cuda", None, r"2 processes .*set --trainer\.sync_batchnorm true"),
        (2, "cuda", "on", None),
        (1, "cpu", None, None),
        (1, "cpu", "on", "trainer.sync_batchnorm is true, .*on GPUs only"),
        (1, "cuda", None, None),
    ],
)
def test_several_processes_must_share_their_statistics(world_size, device, layer_sync, said):
    data, trainer = NoisyLabelData(train_size=50, batch_size=50), parallel(world_size, device, layer_sync)
    check_batch_norm(small_net(), data, trainer)
    if said is None:
        check_batch_norm(NormNet(), data, trainer)
    else:
        with pytest.raises(UserError, match=said) as caught:
            check_batch_norm(NormNet(), data, trainer)
        assert "\n" not in str(caught.value)


def test_shared_statistics_make_no_other_run():
    plans = [parse([*QUICK, *more]).plan.settings.digest() for more in ([], ["--trainer.sync_batchnorm", "true"])]
    assert plans[0] == plans[1]


def test_leaving_out_the_last_batch_makes_another_run_and_its_default_none():
    settings = [parse([*QUICK, *more]).plan.settings for more in ([], ["--data.drop_last", "true"])]
    assert "data.drop_last" not in settings[0].chosen
    assert settings[0].digest() != settings[1].digest()


@pytest.mark.slow
def test_two_processes_on_the_cpu_refuse_it_in_one_line(tmp_path):
    net = ["--model.net", "tests.small.NormNet"]
    done = run_process(*QUICK, *net, "--trainer.strategy", "ddp", "--trainer.devices", "2", cwd=tmp_path)
    assert done.returncode == 2
    assert "2 processes on the CPU" in done.stderr
    assert "Traceback" not in done.stderr
