"""What a run prints of its levels and keeps of its columns."""

from types import SimpleNamespace

import pytest
from lightning.pytorch.utilities.exceptions import SIGTERMException

from sdd.__main__ import main
from sdd.analysis.columns import read_columns
from sdd.analysis.curve import read_curve
from sdd.analysis.report_text import header, row_line
from sdd.callbacks import CurveRecorder, FlatnessMeasures, LearningDistance, LevelCallback, curve_recorder
from sdd.callbacks.callback_order import LevelEnd
from sdd.errors import UserError
from sdd.measures.columns import Column
from tests.small import QUICK, small_run


class Halves(LevelCallback):
    """A measure that appears at level 1, one of its columns undeclared."""

    def __init__(self, folder=None):
        self.folder, self.before = folder, None

    def columns(self):
        return [Column("half", "half of the level").measured_with(base=2)]

    def measure_level(self, trainer, pl_module, level):
        if level.level == 0:
            self.before = read_columns(self.folder)
        return {"half": level.level / 2, "half/odd": 1.0, "other": 1.0} if level.level else {}


def test_columns_are_there_when_the_training_starts_and_after_each_change(tmp_path):
    halves = Halves(tmp_path)
    small_run(tmp_path, halves, LearningDistance(per_layer=True), levels=2)
    assert {"level", "test_acc", "distance", "half"} <= halves.before.keys()
    assert not {"half/odd", "other"} & halves.before.keys()
    after = read_columns(tmp_path)
    assert after.keys() >= {name for row in read_curve(tmp_path / "curve.csv") for name in row}
    assert after["half"] == halves.columns()[0]
    assert (after["half/odd"].label, after["half/odd"].detail) == ("half of the level, odd", True)
    assert after["other"] == Column("other", "other")
    assert after["distance/fc.weight"].label == "learning distance, fc.weight"


def test_each_level_is_printed_and_drawn_once(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(curve_recorder, "draw_curve", lambda rows, *_, **__: drawn.append(len(rows)))
    assert main([*QUICK, "--curve.redraw_seconds", "0", "--run_dir", str(tmp_path)]) == 0
    assert drawn == [1, 2, 3, 4]
    shown = capsys.readouterr().out.splitlines()
    rows = read_curve(tmp_path / "curve.csv")
    assert [line for line in shown if line in {header(), *map(row_line, rows)}] == [header(), *map(row_line, rows)]
    assert len([line for line in shown if line.startswith("Spearman")]) == 1


def gone_on(tmp_path, *measures):
    """Start a recorder again that has the rows of a run with sharpness, beside other measures."""
    run, module, _ = small_run(tmp_path / "run", FlatnessMeasures(sharpness=True, examples=20), levels=1)
    (left,) = (callback for callback in run.callbacks if isinstance(callback, CurveRecorder))
    recorder = CurveRecorder()
    recorder.load_state_dict(left.state_dict())
    callbacks = [recorder, *measures, LevelEnd(lambda *_: None, lambda: None)]
    folder = tmp_path / "again"
    recorder.on_fit_start(
        SimpleNamespace(callbacks=callbacks, is_global_zero=True, loggers=[], default_root_dir=folder), module
    )
    return read_columns(folder)


def test_levels_measured_otherwise_are_refused_when_a_run_goes_on(tmp_path):
    with pytest.raises(UserError, match=r"sharpness would be measured with rho 0\.1, but .* were with 0\.05"):
        gone_on(tmp_path, FlatnessMeasures(sharpness=True, examples=20, rho=0.1))


def test_a_measure_that_is_switched_off_later_keeps_what_is_known_of_it(tmp_path):
    assert gone_on(tmp_path)["sharpness"].settings == {"examples": 20, "space": "surviving", "rho": 0.05}


@pytest.mark.parametrize(
    ("stop", "drawn"),
    [
        (lambda recorder, trainer: recorder.on_exception(trainer, None, KeyboardInterrupt()), True),
        (lambda recorder, trainer: recorder.on_exception(trainer, None, SIGTERMException()), True),
        (lambda recorder, trainer: recorder.on_fit_end(trainer, None), True),
        (lambda recorder, trainer: recorder.on_exception(trainer, None, RuntimeError()), False),
    ],
    ids=["ctrl-c", "sigterm", "max_time", "error"],
)
def test_a_stopped_run_has_a_picture_of_all_its_levels(tmp_path, monkeypatch, stop, drawn):
    shown = []
    monkeypatch.setattr("sdd.callbacks.curve_recorder.draw_curve", lambda rows, *_, **__: shown.append(len(rows)))
    trainer = SimpleNamespace(is_global_zero=True, default_root_dir=tmp_path, global_step=0)
    recorder = CurveRecorder()
    level = SimpleNamespace(level=0, sparsity=0.0, remaining=9, remaining_fraction=0.5, last=False)
    recorder.on_level_end(trainer, None, level, {"test_acc": 0.5, "train_acc": 1.0})
    assert shown == []
    for _ in range(2):  # the second time there is nothing new
        stop(recorder, trainer)
    assert shown == ([1] if drawn else [])
