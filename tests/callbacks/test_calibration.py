"""Calibration of the levels of a run against another library on the weights that each level stored."""

import json

import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import CalibrationMeasures
from sdd.errors import UserError
from tests.small import QUICK, level_state, small_data, small_net, small_run


def test_each_level_is_measured_on_every_part_and_no_other_number_changes(tmp_path):
    for name, extra in {"with": [CalibrationMeasures(ece=True, bins=7)], "without": []}.items():
        small_run(tmp_path / name, *extra, data=small_data(val_size=20), levels=1)
    data, net = small_data(val_size=20), small_net()
    measured, plain = (read_curve(tmp_path / name / "curve.csv") for name in ("with", "without"))
    for row in measured:
        net.load_state_dict(level_state(tmp_path / "with", row["level"])[0])
        for part in ("train", "test", "val"):
            split = data.split(part)
            with torch.no_grad():
                probabilities = net(data.view().plain(split.images)).double().softmax(1)
            theirs = multiclass_calibration_error(probabilities, split.labels, num_classes=10, n_bins=7, norm="l1")
            assert row[f"{part}_ece"] == pytest.approx(float(theirs), rel=1e-5), part
    assert len({row["train_ece"] for row in measured}) == 2
    names = plain[0].keys() - {"seconds"}
    assert measured[0].keys() - names == {"seconds", "test_ece", "train_ece", "val_ece"}
    assert [{name: row[name] for name in names} for row in measured] == [
        {name: row[name] for name in names} for row in plain
    ]
    columns = json.loads((tmp_path / "with" / "columns.json").read_text())["columns"]
    assert {one["name"]: one["settings"] for one in columns}["test_ece"] == {"bins": 7}


def test_what_makes_no_sense_is_refused(capsys):
    with pytest.raises(UserError, match=r"calibration\.bins is 0; it must be at least 1"):
        CalibrationMeasures(ece=True, bins=0)
    assert main([*QUICK, "--calibration.bins", "10"]) == 2
    assert "calibration.ece is not set, so that nothing is measured" in capsys.readouterr().err
