"""What a training step asks of a device: hardly more operators than a bare loop, no waiting, nothing compiled anew.

Counted on the CPU, where an accelerator would have to be waited for as well.
"""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sdd.bench.bare import BareLoop
from sdd.callbacks import lean_loop
from sdd.errors import UserError
from sdd.module import Classifier
from sdd.runs.checkpoint_file import read_checkpoint
from sdd.runs.level_file import read_level
from tests.small import curve_without_seconds, sgd, small_data, small_net, small_run

WAITS = {"_local_scalar_dense", "is_nonzero", "nonzero", "equal", "item", "masked_select", "unique"}
"""Operators whose result the host has to wait for."""


class Operators(TorchDispatchMode):
    """Counts the operators that are dispatched while it is entered."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def counted_run(folder, monkeypatch, **settings):
    """Return what the steps of a run dispatch, and how many steps there were."""
    counts, steps = Counter(), []
    step_of = lean_loop.step_of

    def counting(trainer, zero_grad):
        step = step_of(trainer, zero_grad)
        take = step.take

        def counted(batch, number):
            with Operators() as operators:
                loss = take(batch, number)
            counts.update(operators.counts)
            steps.append(number)
            return loss

        step.take = counted
        return step

    monkeypatch.setattr(lean_loop, "step_of", counting)
    small_run(folder, **settings)
    return counts, len(steps)


@pytest.mark.parametrize(
    "settings",
    [{}, {"trainer": {"gradient_clip_val": 0.1}}, {"trainer": {"precision": "bf16-mixed"}}, {"distance_penalty": 0.1}],
    ids=["plain", "clipping", "bf16", "penalty"],
)
def test_no_step_waits_for_the_device(tmp_path, monkeypatch, settings):
    counts, steps = counted_run(tmp_path, monkeypatch, levels=1, **settings)
    assert steps == 16
    assert counts["threshold_backward"] == 2 * steps
    assert not WAITS & counts.keys()


def test_a_step_dispatches_hardly_more_than_a_bare_loop(tmp_path, monkeypatch):
    counts, steps = counted_run(tmp_path, monkeypatch, levels=1)
    data = small_data()
    train = data.split("train")
    bare = BareLoop(small_net(), train.images, train.labels, data, lr=0.1, momentum=0.9)
    bare.prune()
    with Operators() as operators:
        bare.epoch()
    ours = counts.total() / steps
    assert ours <= 1.05 * operators.counts.total() / 4


@pytest.mark.slow
@pytest.mark.parametrize("retrain", ["lottery", "scratch"])
def test_a_network_is_compiled_once_for_all_levels(tmp_path, retrain):
    from torch._dynamo.testing import CompileCounter  # takes seconds to import

    torch.compiler.reset()
    counter = CompileCounter()
    small_run(tmp_path / "compiled", compile_args={"backend": counter}, levels=2, retrain=retrain)
    assert counter.frame_count == 1
    small_run(tmp_path / "plain", levels=2, retrain=retrain)
    assert curve_without_seconds(tmp_path / "compiled") == curve_without_seconds(tmp_path / "plain")
    compiled, plain = (tmp_path / name / "levels" / "level-002.ckpt" for name in ("compiled", "plain"))
    stored = [read_checkpoint(path)["state_dict"].keys() for path in (compiled, plain)]
    assert stored[0] == stored[1], "nothing of the compiled network is stored"
    weights = read_level(plain).weights
    assert all(torch.equal(one, weights[name]) for name, one in read_level(compiled).weights.items())


def test_arguments_of_a_compiler_that_is_not_asked_for_are_refused():
    with pytest.raises(UserError, match=r"model\.compile_args is set, but model\.compile is not"):
        Classifier(small_net(), sgd, compile_args={"mode": "max-autotune"})
