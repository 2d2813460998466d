"""What the flatness callback measures, and that measuring changes nothing."""

import csv
import math

import pytest
import torch
from torch.func import functional_call
from torch.nn import functional

from sdd.analysis.curve import read_curve
from sdd.callbacks import FlatnessMeasures, LearningDistance
from sdd.errors import UserError
from sdd.models import MLP
from sdd.seeding import Stream
from tests.small import NormNet, curve_without_seconds, level_state, small_data, small_run

ALL = {"hessian_top": True, "hessian_trace": True, "sharpness": True, "loss_curves": True, "spectrum": True}

SMALL = {"spectrum_steps": 5, "spectrum_probes": 2, "spectrum_points": 41, "spectrum_width": 0.1}


def tiny_net():
    return MLP(64, [3], 10)


def explicit_hessian(state, masks, inputs, labels):
    """The Hessian of the surviving parameters, one column after another, in float64."""
    net = tiny_net().double()
    net.load_state_dict(state)
    names = [name for name, _ in net.named_parameters()]
    kept = torch.cat([masks.get(name, torch.ones_like(state[name], dtype=torch.bool)).flatten() for name in names])
    sizes = [state[name].numel() for name in names]

    def loss(vector):
        parts = vector.split(sizes)
        parameters = {name: part.view_as(state[name]) for name, part in zip(names, parts, strict=True)}
        return functional.cross_entropy(functional_call(net, parameters, (inputs,)), labels)

    point = torch.cat([state[name].double().flatten() for name in names])
    return torch.autograd.functional.hessian(loss, point)[kept][:, kept]


def test_measures_equal_the_explicit_hessian_of_surviving_weights(tmp_path):
    sizes = {"spectrum_alpha": 0.1, "spectrum_steps": 20, "spectrum_probes": 8}
    flatness = FlatnessMeasures(**ALL, **sizes, examples=150, trace_probes=64, top_tolerance=1e-6)
    small_run(tmp_path, flatness, build=tiny_net, epochs_per_level=6)
    data = small_data()
    train = data.split("train")
    index = torch.from_numpy(Stream(0, "flatness examples").permutation(200)[:150])
    mean, std = data.content.mean[0], data.content.std[0]
    inputs = (train.images[index].double() / 255 - mean) / std
    for level, row in enumerate(read_curve(tmp_path / "curve.csv")):
        state, masks = level_state(tmp_path, level)
        hessian = explicit_hessian(state, masks, inputs, train.labels[index])
        assert row["hessian_top"] == pytest.approx(torch.linalg.eigvalsh(hessian)[-1].item(), rel=1e-4)
        assert abs(row["hessian_trace"] - hessian.trace().item()) < 4 * row["hessian_trace_error"] + 1e-6
        assert row["hessian_top_residual"] <= 1e-5
        positive = torch.linalg.eigvalsh(hessian).clamp(min=0)
        effective = (positive / (positive + 0.1)).sum().item()
        assert abs(row["effective_dimension"] - effective) < 4 * row["effective_dimension_error"]
        assert row["effective_dimension_error"] < 0.5 * effective
        assert row["sharpness"] > 0


def test_measuring_changes_no_other_column(tmp_path):
    small_run(tmp_path / "off", build=NormNet)
    small_run(tmp_path / "on", FlatnessMeasures(**ALL, **SMALL, examples=50, points=5), build=NormNet)
    off, on = (curve_without_seconds(tmp_path / name) for name in ("off", "on"))
    width = len(off[0])
    assert [row[:width] for row in on] == off
    assert on[0][width:] == [
        "hessian_top",
        "hessian_top_iterations",
        "hessian_top_residual",
        "hessian_trace",
        "hessian_trace_error",
        "sharpness",
        "effective_dimension",
        "effective_dimension_error",
    ]
    with (tmp_path / "on" / "spectrum.csv").open() as file:
        table = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    for level in range(4):
        part = [entry for entry in table if entry["level"] == level]
        assert len(part) == 41
        step = part[1]["eigenvalue"] - part[0]["eigenvalue"]
        assert sum(entry["density"] for entry in part) * step == pytest.approx(1, rel=1e-4)
    for level in range(4):
        first, second = (level_state(tmp_path / name, level)[0] for name in ("off", "on"))
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_loss_curves_are_written_for_every_level_and_direction(tmp_path):
    small_run(tmp_path, FlatnessMeasures(loss_curves=True, directions=2, points=5, examples=200))
    with (tmp_path / "loss_curves.csv").open() as file:
        table = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert len(table) == 4 * 2 * 5
    rows = read_curve(tmp_path / "curve.csv")
    for entry in table:
        if entry["alpha"] == 0:
            assert entry["loss"] == pytest.approx(rows[int(entry["level"])]["train_loss"], rel=1e-5)
        assert entry["sparsity"] == rows[int(entry["level"])]["sparsity"]
    assert sorted({entry["alpha"] for entry in table}) == [-1, -0.5, 0, 0.5, 1]


def test_chosen_levels_and_the_full_space(tmp_path):
    small_run(tmp_path / "part", FlatnessMeasures(hessian_top=True, levels=[0, 2]))
    rows = read_curve(tmp_path / "part" / "curve.csv")
    assert [not math.isnan(row.get("hessian_top", math.nan)) for row in rows] == [True, False, True, False]
    small_run(tmp_path / "full", FlatnessMeasures(hessian_trace=True, space="full"))
    small_run(tmp_path / "surviving", FlatnessMeasures(hessian_trace=True))
    full, surviving = (read_curve(tmp_path / name / "curve.csv") for name in ("full", "surviving"))
    assert full[0]["hessian_trace"] == surviving[0]["hessian_trace"], "at sparsity 0 the spaces are one"
    assert full[3]["hessian_trace"] != surviving[3]["hessian_trace"]


def test_the_distance_path_ends_where_the_level_ends(tmp_path):
    small_run(tmp_path, LearningDistance(path=True, per_layer=True))
    with (tmp_path / "distance_path.csv").open() as file:
        table = list(csv.DictReader(file))
    rows = read_curve(tmp_path / "curve.csv")
    assert [(int(entry["level"]), int(entry["epoch"])) for entry in table] == [
        (level, epoch) for level in range(4) for epoch in range(2)
    ]
    for row in rows:
        for measure in ("distance", "distance_init", "distance_start"):
            assert float(table[2 * int(row["level"]) + 1][measure]) == row[measure]
            layers = [value for name, value in row.items() if name.startswith(f"{measure}/")]
            assert len(layers) == 6
            assert math.sqrt(sum(value**2 for value in layers)) == pytest.approx(row[measure], rel=1e-12)


def test_a_level_without_a_spectrum_lacks_one_and_a_run_takes_its_own_up_again():
    flatness, row = FlatnessMeasures(spectrum=True), {"level": 1, "effective_dimension": 2.0}
    row["effective_dimension_error"] = 0.1
    assert flatness.lacks(row)
    flatness.load_state_dict({"table": []})  # of a version before
    assert flatness.lacks(row)
    flatness.load_state_dict({"table": [], "spectra": [{"level": 1, "eigenvalue": 0.0, "density": 1.0}]})
    assert not flatness.lacks(row)
    assert flatness.lacks({**row, "level": 2})
    assert FlatnessMeasures(spectrum=True).state_dict().keys() == {"table", "spectra", "measured_with"}


@pytest.mark.parametrize(
    ("then", "now", "word"),
    [
        ({"loss_curves": True}, {"loss_curves": True, "points": 5}, "points 5, but the levels so far were with 11"),
        ({"spectrum": True}, {"spectrum": True, "spectrum_width": 0.1}, "spectrum_width 0.1"),
        ({"spectrum": True}, {"spectrum": True, "directions": 2, "points": 3}, None),
        ({"spectrum": True}, {"sharpness": True, "spectrum_points": 3}, None),
    ],
)
def test_a_table_is_gone_on_with_only_as_it_was_begun(then, now, word):
    before, flatness, row = FlatnessMeasures(**then), FlatnessMeasures(**now), {"level": 0, "sharpness": 0.1}
    before.table = before.spectra = [{"level": 0, "eigenvalue": 0.0}]
    flatness.load_state_dict(before.state_dict())
    if word is None:
        flatness.lacks(row)
        return
    with pytest.raises(UserError, match=word):
        flatness.lacks(row)
    flatness.load_state_dict(flatness.state_dict())  # the settings are kept as long as the rows
    with pytest.raises(UserError, match=word):
        flatness.lacks(row)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"examples": 0}, "examples"),
        ({"trace_probes": 0}, "trace_probes"),
        ({"rho": 0.0}, "rho"),
        ({"top_tolerance": -1.0}, "top_tolerance"),
        ({"points": 4}, "odd"),
        ({"directions": 0}, "directions"),
        ({"spectrum_steps": 0}, "spectrum_steps"),
        ({"spectrum_probes": 0}, "spectrum_probes"),
        ({"spectrum_points": 1}, "spectrum_points"),
        ({"spectrum_width": 0.0}, "spectrum_width"),
        ({"spectrum_alpha": math.inf}, "spectrum_alpha"),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(arguments, word):
    with pytest.raises(UserError, match=word):
        FlatnessMeasures(**arguments)
