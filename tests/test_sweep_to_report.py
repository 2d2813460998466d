"""From a sweep file to its report, as the README has it: every run for real, but short."""

import math

import numpy as np
import pytest

from sdd.__main__ import main
from sdd.analysis import load_runs
from sdd.analysis.curve import read_curve
from tests.report.browser import chromium
from tests.small import PROJECT
from tests.wandb_client.client import small_sweep

QUICK = ["--data.train_size", "200", "--model.net.widths", "[30]", "--pruning.epochs_per_level", "3"]
QUICK += ["--pruning.levels", "6", "--pruning.fraction", "0.4"]
RATES = (0.0, 0.2, 0.4, 0.6)


@pytest.mark.slow
def test_the_noise_rates_on_digits_from_the_sweep_to_the_page(tmp_path, monkeypatch, capsys):
    file = small_sweep(PROJECT / "sweeps" / "digits_noise_rates.yaml", tmp_path, QUICK, {})
    (tmp_path / "configs").symlink_to(PROJECT / "configs")
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(file), "--workers", "2"]) == 0
    assert "12 runs: 12 finished" in capsys.readouterr().out
    assert main(["report", "runs/digits_noise_rates", "--out", "report.html"]) == 0
    curves = {}
    for path in (tmp_path / "runs" / "digits_noise_rates").glob("*/curve.csv"):
        rate = load_runs(path.parent)["data.noise_rate"].iloc[0]
        curves.setdefault(float(rate), []).append(read_curve(path))
    assert {rate: len(rows) for rate, rows in curves.items()} == dict.fromkeys(RATES, 3)

    with chromium(tmp_path) as page:
        page.open(tmp_path / "report.html")
        labels = [f"data.noise_rate={rate}" for rate in RATES]
        assert list(page.drawn("test_acc")) == labels
        page.click("#list label:nth-child(2) input")
        assert list(page.drawn("test_acc")) == [labels[0], *labels[2:]]
        for name in ("test_acc", "train_acc", "memorized", "distance"):
            for rate in (0.4, 0.6):
                shown = page.drawn(name)[f"data.noise_rate={rate}"]
                files = [[row[name] for row in rows] for rows in curves[rate]]
                np.testing.assert_allclose(shown["y"], np.mean(files, axis=0), rtol=1e-14)
                shares = [row["sparsity"] for row in curves[rate][0]]
                np.testing.assert_allclose(shown["x"], [-math.log10(1 - share) for share in shares], rtol=1e-12)
        page.click("#runs-table th[data-key='spearman_distance'] button")
        heads = page.js("[...document.querySelectorAll('#runs-table thead th')].map((one) => one.dataset.key)")
        cells = page.texts(f"#runs-table tbody tr > *:nth-child({heads.index('spearman_distance') + 1})")
        numbers = [float(text.replace("−", "-")) for text in cells]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) == 12
        rows = page.csv("#panels .panel:first-child button[aria-label='Test accuracy as CSV']")
        means = [float(row["mean"]) for row in rows if row["group"] == labels[3]]
        files = [[row["test_acc"] for row in rows] for rows in curves[0.6]]
        np.testing.assert_allclose(means, np.mean(files, axis=0), rtol=1e-14)
        assert page.complaints() == []
