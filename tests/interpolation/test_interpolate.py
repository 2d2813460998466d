"""`python -m sdd interpolate`: the ends are rows of the curves, the middle is an independent count, and refusals."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.analysis.loss_curves import read_loss_curves
from sdd.analysis.paths import path_figure, read_paths
from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.interpolation import interpolate_levels, interpolate_redense
from sdd.seeding import torch_generator
from tests.small import QUICK, NormNet, level_state

# A network with batch normalisation and a loss, both from outside; everything is pruned.
RUN = [word for word in QUICK if word not in ("--model.net.widths", "[20]")]
RUN += ["--model.net", "tests.small.NormNet", "--model.loss", "torch.nn.CrossEntropyLoss"]
RUN += ["--model.loss_args.label_smoothing", "0.1", "--pruning.exclude", "[]", "--pruning.levels", "2"]
REDENSE = ["--pruning.retrain", "redense", "--pruning.masks_from", "auto", "--run_dir", "runs/redense"]
COLUMNS = ["train_loss", "train_acc", "train_acc_kept", "memorized", "recovered", "test_loss", "test_acc"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run in its default folder, and `runs/redense`, which has found it by itself."""
    place, threads = tmp_path_factory.mktemp("interpolate"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(RUN) == 0
        assert main([*RUN, *REDENSE]) == 0
    torch.set_num_threads(threads)
    return place


@pytest.fixture
def runs(trained, tmp_path, monkeypatch):
    """Copies of the two: sparse and re-dense."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    (sparse,) = Path("runs").glob("digits_mlp-s0-*")
    return sparse, Path("runs/redense")


def evaluated(state, part, train_statistics=False):
    """Loss with label smoothing by its formula, and accuracy, of a state in float64."""
    data = NoisyLabelData(train_size=200, noise_rate=0.4, batch_size=50)
    split = data.split(part)

    def seen(images):
        return (images.double() / 255 - data.content.mean[0]) / data.content.std[0]

    net = NormNet().double()
    net.load_state_dict({name: value.double() for name, value in state.items()})
    if train_statistics:
        update_bn(seen(data.split("train").images).split(50), net)
    net.eval()
    with torch.no_grad():
        logs = functional.log_softmax(net(seen(split.images)), 1)
    loss = -(0.9 * logs.gather(1, split.labels[:, None])[:, 0] + 0.1 * logs.mean(1)).mean()
    return loss.item(), (logs.argmax(1) == split.labels).double().mean().item()


def between(sparse, redense, level, alpha):
    a, b = (level_state(folder, level)[0] for folder in (sparse, redense))
    return {name: (1 - alpha) * a[name].double() + alpha * b[name].double() for name in a}


def test_ends_are_the_rows_of_both_curves_and_the_middle_is_counted_again(runs):
    sparse, redense = runs
    before = torch.get_rng_state(), torch.get_num_threads()
    rows = interpolate_redense(redense, points=5, show="none")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == (before[1], True)
    assert rows == read_paths(redense / "interpolation.csv")
    assert [(row["level"], row["alpha"]) for row in rows] == [(n, k / 4) for n in range(3) for k in range(5)]
    curves = {0: read_curve(sparse / "curve.csv"), 1: read_curve(redense / "curve.csv")}
    for row in rows:
        level, alpha = row["level"], row["alpha"]
        assert row["sparsity"] == curves[0][level]["sparsity"]
        assert list(row) == ["level", "sparsity", "alpha", *COLUMNS]
        if alpha in curves:
            assert [row[name] for name in COLUMNS] == [curves[alpha][level][name] for name in COLUMNS]
        for part in ("train", "test"):
            loss, accuracy = evaluated(between(sparse, redense, level, alpha), part)
            assert row[f"{part}_loss"] == pytest.approx(loss, rel=1e-5)
            assert row[f"{part}_acc"] == pytest.approx(accuracy, abs=0.006)
    assert (redense / "interpolation.png").stat().st_size > 10_000


@pytest.mark.slow
def test_statistics_can_be_estimated_anew_at_each_point(runs):
    sparse, redense = runs
    rows = interpolate_redense(redense, [2], sparse=sparse, points=3, statistics="recomputed", out="again", show="none")
    for row in rows:
        loss, _ = evaluated(between(sparse, redense, 2, row["alpha"]), "test", train_statistics=True)
        assert row["test_loss"] == pytest.approx(loss, rel=1e-5)
    assert rows[-1]["test_loss"] != read_curve(redense / "curve.csv")[2]["test_loss"]
    assert not (redense / "interpolation.csv").exists()


@pytest.mark.slow
def test_nothing_is_measured_twice_and_other_settings_are_refused(runs, monkeypatch):
    sparse, redense = runs
    asked = {"sparse": sparse, "points": 3, "examples": 50, "show": "none"}
    some = interpolate_redense(redense, [0, 2], **asked)
    built = []
    real = interpolate_redense.__globals__["rows_between"]
    monkeypatch.setattr(
        "sdd.interpolation.redense.rows_between",
        lambda parts, a, b, asked: built.append(a.level) or real(parts, a, b, asked),
    )
    assert interpolate_redense(redense, [0, 2], **asked) == some
    assert built == []
    every = interpolate_redense(redense, **asked)
    assert built == [1]
    assert [row for row in every if row["level"] != 1] == some
    for changed in ({"points": 4}, {"examples": None}, {"statistics": "recomputed"}):
        with pytest.raises(UserError, match=f"measured with {next(iter(changed))} "):
            interpolate_redense(redense, **asked | changed)
    # Other weights of one level: that one is measured anew.
    shutil.copy(redense / "levels" / "level-001.ckpt", redense / "levels" / "level-002.ckpt")
    again = interpolate_redense(redense, **asked)
    assert built == [1, 2]
    assert again[:-3] == every[:-3]
    assert again[-1] != every[-1]


def test_two_levels_and_their_barriers(runs, capsys):
    sparse, redense = runs
    file = redense / "levels" / "level-002.ckpt"
    assert main(["interpolate", f"{sparse}:1", str(file), "--points", "5", "--out", "pair"]) == 0
    printed = capsys.readouterr().out
    rows = read_paths("pair/interpolation.csv")
    for end, folder, level in ((rows[0], sparse, 1), (rows[-1], redense, 2)):
        assert [end[name] for name in COLUMNS] == [read_curve(folder / "curve.csv")[level][name] for name in COLUMNS]
    errors = [1 - row["test_acc"] for row in rows]
    height = max(errors) - (errors[0] + errors[-1]) / 2
    above = max(error - (1 - k / 4) * errors[0] - k / 4 * errors[-1] for k, error in enumerate(errors))
    (line,) = (line for line in printed.splitlines() if line.startswith("test error"))
    assert line.split()[2:4] == [f"{100 * height:.2f}", f"{100 * max(above, 0):.2f}"]
    Path("pair/interpolation.png").unlink()
    again = interpolate_levels(f"{sparse}:1", f"{redense}:2", points=5, out="pair", show="none")
    assert all(path.is_file() for path in again.files)
    assert again.barriers["test_error"].height == pytest.approx(height)
    with pytest.raises(UserError, match="measured with between"):
        interpolate_levels(f"{sparse}:0", f"{redense}:2", points=5, out="pair", show="none")


def edited(folder, name, change):
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    (folder / "checksums.json").unlink(missing_ok=True)


def test_what_cannot_be_compared_is_refused_before_anything_is_measured(runs, capsys, monkeypatch):
    sparse, redense = runs
    monkeypatch.setattr("sdd.interpolation.pair.rebuilt", None)
    monkeypatch.setattr("sdd.interpolation.redense.rebuilt", None)
    for folder in ("net", "images", "empty", "shapes"):
        shutil.copytree(sparse, folder)
    edited(Path("net"), "settings.json", lambda held: held["values"].update({"model.net.class_path": "my.Other"}))
    edited(Path("images"), "data.json", lambda held: held["parts"]["test"].update({"images": "0" * 32}))
    shutil.rmtree("empty/levels")
    content = torch.load(level := Path("shapes/levels/level-001.ckpt"), weights_only=True)
    content["state_dict"]["net.fc.bias"] = torch.zeros(3)
    torch.save(content, level)
    refused = {
        (f"{sparse}:1", "net:1"): "different networks",
        (f"{sparse}:1", "shapes:1"): "differ in fc.bias",
        (f"{sparse}:1", "images:1"): "other test examples",
        (f"{sparse}:1", "empty:1"): "keep_levels true",
        (f"{sparse}:1", f"{sparse}:7"): "level-002.ckpt",
        (f"{sparse}:1", "nowhere:1"): "is not there",
        (f"{sparse}:1", "nowhere"): "is no level",
        (f"{sparse}:1",): "two levels",
        (f"{sparse}:1", f"{sparse}:2", "--levels", "all"): "--levels is for",
        (f"{sparse}:1", f"{sparse}:2", "--points", "1"): "points is 1",
        (str(sparse),): "retrain lottery",
        ("nowhere",): "is not there",
        (str(redense), "--sparse", "empty"): "keep_levels true",
        (str(redense), "--sparse", str(redense)): "is not the run that",
        (str(redense), "--levels", "0,x"): "--levels is",
        (str(redense), "--sparse", str(sparse), "--levels", "3"): "level-002.ckpt",
        (str(redense), "--examples", "0"): "examples is 0",
    }
    for arguments, word in refused.items():
        assert main(["interpolate", *arguments]) == 2, arguments
        (line,) = capsys.readouterr().err.splitlines()
        assert word in line, (arguments, line)
    sparse.rename("runs/moved")
    assert main(["interpolate", str(redense)]) == 2
    assert "--sparse" in capsys.readouterr().err


def test_other_noisy_labels_are_said(runs, capsys):
    sparse, _ = runs
    shutil.copytree(sparse, "labels")
    edited(Path("labels"), "data.json", lambda held: held["parts"]["train"].update({"labels": "0" * 32}))
    interpolate_levels(f"{sparse}:1", "labels:1", points=2, examples=20, out="said", show="none")
    assert "different noisy labels" in capsys.readouterr().err


def test_the_picture_has_a_line_for_each_level_and_says_what_the_ends_are():
    rows = [
        {"level": level, "sparsity": level / 10, "alpha": alpha, "train_acc": 0.5, "test_acc": level / 10 + alpha / 100}
        | {"train_loss": 1 + alpha, "test_loss": 2.0}
        for level in (0, 3)
        for alpha in (0.0, 0.5, 1.0)
    ]
    figure = path_figure(rows, ends=("sparse", "re-dense"))
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert list(panels) == ["training accuracy (%)", "test accuracy (%)", "training loss", "test loss"]
    lines = panels["test accuracy (%)"].lines
    assert [line.get_label() for line in lines] == ["level 0, sparsity 0 %", "level 3, sparsity 30 %"]
    assert lines[1].get_ydata() == pytest.approx([30, 30.5, 31])
    assert panels["test loss"].get_xlabel() == "α, from sparse (0) to re-dense (1)"


@pytest.mark.slow
def test_loss_curves_of_redense_levels_move_along_regrown_weights_too(runs):
    sparse, redense = runs
    flatness = ["--flatness.loss_curves", "true", "--flatness.points", "3", "--flatness.directions", "1"]
    flatness += ["--flatness.levels", "[2]"]
    tables = {}
    for space in ("full", "surviving"):
        shutil.copytree(redense, f"runs/{space}")
        assert main([*RUN, *REDENSE[:-1], f"runs/{space}", *flatness, "--flatness.space", space]) == 0
        tables[space] = read_loss_curves(f"runs/{space}/loss_curves.csv")
    # All weights are trained again, so that all survive.
    assert tables["full"] == tables["surviving"]
    state, masks = level_state(redense, 2)[0], level_state(sparse, 2)[1]
    assert any(bool((~mask).any()) for mask in masks.values())
    net = NormNet()
    sizes = [parameter.numel() for parameter in net.parameters()]
    drawn = torch.randn(sum(sizes), generator=torch_generator(0, "loss curves", 2), dtype=torch.float64).split(sizes)
    step = {}
    for (name, parameter), part in zip(net.named_parameters(), drawn, strict=True):
        if parameter.ndim > 1:
            draw, weight = part.view(len(parameter), -1), state[name].double().flatten(1)
            step[name] = (draw / draw.norm(dim=1, keepdim=True) * weight.norm(dim=1, keepdim=True)).view_as(parameter)
    for point in tables["full"]:
        moved = {name: value + point.alpha * step.get(name, 0) for name, value in state.items()}
        assert point.loss == pytest.approx(evaluated(moved, "train")[0], rel=1e-4)
