"""Activation entropy of the levels of a run against a recount from the weights that each level stored."""

import json

import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import ActivationEntropy
from sdd.callbacks.dynamics import chosen_examples
from sdd.errors import UserError
from tests.measures.test_activation import by_loops
from tests.small import QUICK, curve_without_seconds, level_state, small_data, small_run


def test_each_level_is_measured_and_no_other_number_changes(tmp_path):
    small_run(tmp_path / "with", ActivationEntropy(activation=True, examples=60), levels=1)
    small_run(tmp_path / "without", levels=1)
    data = small_data()
    part = data.split("train").take(chosen_examples(data, 60)["train"])
    rows = read_curve(tmp_path / "with" / "curve.csv")
    for row in rows:
        state = level_state(tmp_path / "with", row["level"])[0]
        hidden, layers = data.view().plain(part.images).flatten(1), []
        for layer in ("hidden.0", "hidden.1"):
            hidden = torch.relu(hidden @ state[f"{layer}.weight"].T + state[f"{layer}.bias"])
            layers.append(by_loops(hidden))
            assert row[f"activation_entropy/{layer}"] == pytest.approx(layers[-1], rel=1e-12)
        assert row["activation_entropy"] == pytest.approx(sum(layers) / 2, rel=1e-12)
    assert len({row["activation_entropy"] for row in rows}) == 2
    plain = curve_without_seconds(tmp_path / "without")
    assert [row[: len(plain[0])] for row in curve_without_seconds(tmp_path / "with")] == plain
    columns = json.loads((tmp_path / "with" / "columns.json").read_text())["columns"]
    by_name = {one["name"]: one for one in columns}
    assert by_name["activation_entropy"]["settings"] == {"examples": 60}
    assert not by_name["activation_entropy"]["detail"]
    assert by_name["activation_entropy/hidden.0"]["detail"]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UserError, match=r"entropy\.examples is 0; it must be at least 1"):
        ActivationEntropy(activation=True, examples=0)
    with pytest.raises(UserError, match=r"entropy\.activation is not set, so that nothing is measured"):
        ActivationEntropy(examples=10)


def test_a_network_without_rectifiers_is_refused_before_any_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = ["--model.net", "tests.networks.AttentionNet"]
    arguments = [word for word in QUICK if word not in ("--model.net.widths", "[20]")]
    assert main([*arguments, *net, "--entropy.activation", "true", "--run_dir", "run"]) == 2
    assert "AttentionNet has no ReLU or relative of it" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run" / "curve.csv").exists()
