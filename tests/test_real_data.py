"""The phenomenon itself, on real data; minutes long."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.data.noise import CleanLabels
from sdd.data.noise.uniform import uniform
from sdd.models import ResNet
from sdd.seeding import Stream
from tests.conftest import extract_cifar
from tests.small import CONFIG, PROJECT, level_state

pytestmark = pytest.mark.slow


def run(folder, *arguments):
    threads = torch.get_num_threads()
    try:
        assert main(["fit", *arguments, "--run_dir", str(folder), "--progress.show", "none"]) == 0
    finally:
        torch.set_num_threads(threads)
    return read_curve(folder / "curve.csv"), json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_digits_show_all_four_phases(tmp_path, seed):
    # Two levels beyond the configuration leave 15 weights: before, collapse has hardly begun on some processors.
    rows, summary = run(tmp_path, "--config", str(CONFIG), "--pruning.levels", "36", "--seed_everything", str(seed))
    assert summary["double_descent"]
    trough, peak = summary["trough"]["level"], summary["peak"]["level"]
    accuracy = [row["test_acc"] for row in rows]
    assert accuracy[0] - accuracy[trough] >= 0.04
    assert accuracy[peak] - accuracy[0] >= 0.08
    assert accuracy[peak] - accuracy[-1] >= 0.08
    farthest = max((row for row in rows if row["sparsity"] >= 0.3), key=lambda row: row["distance"])
    assert abs(farthest["level"] - trough) <= 2
    assert rows[trough]["memorized"] > 0.7
    assert rows[peak]["memorized"] < 0.2
    assert all(summary["boundaries"][name] for name in ("light_critical", "critical_sweet", "sweet_collapsed"))


def test_clean_digits_show_no_double_descent(tmp_path, capsys):
    _, summary = run(tmp_path, "--config", str(CONFIG), "--data.noise_rate", "0")
    assert not summary["double_descent"]
    assert "Double descent: yes" not in capsys.readouterr().out


def test_mnist_shows_the_curve_of_the_protocol(tmp_path, sdd_data):
    rows, summary = run(
        tmp_path,
        "--config",
        str(PROJECT / "configs" / "mnist_lenet.yaml"),
        *("--data.root", str(sdd_data), "--data.train_size", "6000", "--data.noise_rate", "0.4", "--threads", "1"),
        *("--pruning.levels", "24", "--pruning.epochs_per_level", "60", "--trainer.accelerator", "cpu"),
    )
    assert summary["double_descent"]
    assert rows[0]["test_acc"] == pytest.approx(0.69, abs=0.05)
    assert max(row["test_acc"] for row in rows[1:6]) == pytest.approx(0.72, abs=0.03)
    assert summary["trough"]["test_acc"] == pytest.approx(0.60, abs=0.03)
    assert summary["trough"]["sparsity"] == pytest.approx(0.97, abs=0.02)
    assert rows[-1]["test_acc"] == pytest.approx(0.85, abs=0.03)


def test_a_resnet_on_jpeg_cifar_is_right_by_an_independent_recount(tmp_path):
    cifar_jpeg = extract_cifar(tmp_path / "cifar", per_class=300)
    rows, _ = run(
        tmp_path / "run",
        "--config",
        str(PROJECT / "configs" / "cifar10_resnet18.yaml"),
        *("--data.dataset", "image_folder", "--data.root", str(cifar_jpeg), "--model.net.width", "8"),
        *("--data.noise_rate", "0.4", "--pruning.levels", "2", "--pruning.epochs_per_level", "4"),
        *("--pruning.rewind_steps", "2", "--trainer.accelerator", "cpu", "--threads", "1"),
    )
    images, labels = {}, {}
    for part in ("train", "test"):
        classes = sorted(folder.name for folder in (cifar_jpeg / part).iterdir())
        paths = [
            (path, number)
            for number, name in enumerate(classes)
            for path in sorted((cifar_jpeg / part / name).iterdir())
        ]
        pixels = np.stack([np.asarray(Image.open(path).convert("RGB"), dtype=np.float64) for path, _ in paths])
        scaled = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        images[part] = torch.from_numpy(scaled).permute(0, 3, 1, 2)
        labels[part] = torch.tensor([number for _, number in paths])
    clean = CleanLabels(labels["train"].numpy(), 10, 0.4, Stream(0, "train label noise"))
    targets = {"train": torch.from_numpy(uniform(clean)), "test": labels["test"]}
    flipped = targets["train"] != labels["train"]
    assert len(rows) == 3
    for level, row in enumerate(rows):
        state, masks = level_state(tmp_path / "run", level)
        net = ResNet(18, width=8).double()
        net.load_state_dict(state)
        net.eval()
        with torch.no_grad():
            logits = {part: torch.cat([net(chunk) for chunk in images[part].split(200)]) for part in images}
        for part in ("train", "test"):
            count = len(targets[part])
            hits = (logits[part].argmax(1) == targets[part]).sum().item()
            # float32 may tell a tie of two logits differently than float64, for one image or two.
            assert abs(row[f"{part}_acc"] * count - hits) <= 2
            loss = torch.nn.functional.cross_entropy(logits[part], targets[part]).item()
            assert math.isclose(row[f"{part}_loss"], loss, rel_tol=1e-4)
        wrong = (logits["train"].argmax(1) == targets["train"])[flipped].double().mean().item()
        assert row["memorized"] == pytest.approx(wrong, abs=2 / int(flipped.sum()))
        assert row["remaining"] == sum(int(mask.sum()) for mask in masks.values())
        assert all(bool((state[name][~mask] == 0).all()) for name, mask in masks.items())
