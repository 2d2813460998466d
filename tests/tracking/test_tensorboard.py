"""What a run leaves on TensorBoard, read back with TensorBoard's own reader."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.errors import UserError
from tests.small import QUICK, curve_without_seconds

pytest.importorskip("tensorboard")
LOGGED = [*QUICK, "--threads", "1", "--trainer.logger", "TensorBoardLogger"]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A run, and all that TensorBoard has of it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path_factory.mktemp("tensorboard") / "run"
    assert main([*LOGGED, "--dynamics.levels", "[0]", "--run_dir", str(folder)]) == 0
    events = EventAccumulator(str(folder / "lightning_logs" / "version_0"), size_guidance={"images": 0, "tensors": 0})
    events.Reload()
    return folder, events


def test_each_level_is_there_over_steps_and_over_what_remains(logged):
    folder, events = logged
    rows = read_curve(folder / "curve.csv")
    for name in ("test_acc", "distance", "memorized"):
        wanted = [np.float32(row[name]) for row in rows]
        assert [np.float32(one.value) for one in events.Scalars(name)] == wanted
        over = events.Scalars(f"over_remaining_fraction/{name}")
        assert [np.float32(one.value) for one in over] == wanted
        assert [one.step for one in over] == [round(-1000 * math.log10(row["remaining_fraction"])) for row in rows]
    for name in ("sparsity", "remaining_fraction"):
        assert [one.value for one in events.Scalars(name)] == pytest.approx([row[name] for row in rows])
    assert [one.value for one in events.Scalars("depth")] == [0.0] * len(rows)
    best = [one.value for one in events.Scalars("best_test_acc")]
    assert best == pytest.approx([row.get("best_test_acc", row["test_acc"]) for row in rows])
    assert len(events.Scalars("epochs/test_acc")) == 3, "the epochs of level 0"


def test_picture_table_and_verdict_are_there(logged):
    folder, events = logged
    (picture,) = events.Images("curve")
    stored = np.asarray(Image.open(folder / "curve.png").convert("RGB"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)).convert("RGB")), stored)
    (table,) = events.Tensors("levels/text_summary")
    lines = table.tensor_proto.string_val[0].decode().splitlines()
    rows = read_curve(folder / "curve.csv")
    assert lines[0].split(" | ")[:2] == ["| level", "sparsity"]
    assert len(lines) == 2 + len(rows)
    cells = dict(zip(lines[0].strip("| ").split(" | "), lines[-1].strip("|").split(" | "), strict=True))
    assert float(cells["test_acc"]) == pytest.approx(rows[-1]["test_acc"], rel=1e-5)
    (verdict,) = events.Tensors("verdict/text_summary")
    assert "Double descent: not decided" in verdict.tensor_proto.string_val[0].decode()
    assert [one.value for one in events.Scalars("hp_metric")][-1] == pytest.approx(
        max(row.get("best_test_acc", row["test_acc"]) for row in rows)
    )


def test_charts_are_laid_out_over_what_remains(logged):
    from tensorboard.plugins.custom_scalar import layout_pb2

    _, events = logged
    content = layout_pb2.Layout.FromString(events.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])
    (category,) = content.category
    assert "step 1000 is 10 %" in category.title
    tags = [tag for chart in category.chart for tag in chart.multiline.tag]
    assert "over_remaining_fraction/test_acc" in tags
    assert set(tags) <= set(events.Tags()["scalars"])


@pytest.mark.slow
def test_logging_changes_no_number(logged, tmp_path):
    folder, _ = logged
    assert main([*QUICK, "--threads", "1", "--dynamics.levels", "[0]", "--run_dir", str(tmp_path / "alone")]) == 0
    assert curve_without_seconds(folder) == curve_without_seconds(tmp_path / "alone")


def test_a_logger_that_needs_a_folder_has_the_runs(tmp_path, monkeypatch):
    from sdd.cli.parse import parse

    monkeypatch.chdir(tmp_path)
    for name in ("TensorBoardLogger", "CSVLogger"):
        request = parse([*QUICK, "--trainer.logger", name])
        assert request.config.trainer.logger.init_args.save_dir == "."
    kept = parse([*QUICK, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "elsewhere"])
    assert kept.config.trainer.logger.init_args.save_dir == "elsewhere"
    with pytest.raises(UserError, match="save_dirr"):
        parse([*QUICK, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dirr", "x"])
