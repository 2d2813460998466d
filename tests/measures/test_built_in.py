"""Every column of a run is declared once, in the order of its file."""

from sdd.analysis.curve import FIRST_COLUMNS, read_curve
from sdd.callbacks import (
    AccuracyMeasures,
    ActivationEntropy,
    CalibrationMeasures,
    CurveRecorder,
    FlatnessMeasures,
    LearningDistance,
    TrainingDynamics,
)
from sdd.measures.built_in import ALWAYS, COLUMNS
from sdd.measures.columns import describe
from tests.small import small_data, small_run

FLATNESS = {"hessian_top": True, "hessian_trace": True, "sharpness": True, "spectrum": True}


def test_those_that_every_run_has_are_the_beginning_of_its_file():
    assert tuple(column.name for column in ALWAYS) == FIRST_COLUMNS


def test_what_a_run_measures_is_declared_by_its_callbacks_and_known_to_readers(tmp_path):
    flatness = FlatnessMeasures(**FLATNESS, examples=20, trace_probes=2, spectrum_probes=1)
    dynamics = TrainingDynamics("all", examples=20)
    others = (CalibrationMeasures(ece=True), ActivationEntropy(activation=True, examples=20))
    extra = (flatness, dynamics, LearningDistance(per_layer=True), *others)
    small_run(tmp_path, *extra, data=small_data(val_size=20), levels=1)
    rows = read_curve(tmp_path / "curve.csv")
    names = {name for row in rows for name in row}
    callbacks = (AccuracyMeasures(), CurveRecorder(), *extra)
    declared = {column.name for callback in callbacks for column in callback.columns()}
    assert {name for name in names if "/" not in name} == declared == set(COLUMNS)
    labels = [describe(name, COLUMNS).label for name in names]
    assert len({*labels}) == len(labels)
    assert "learning distance, fc.weight" in labels
    assert "activation entropy, hidden.0" in labels


def test_measures_that_are_switched_off_have_no_column():
    assert FlatnessMeasures().columns() == CalibrationMeasures().columns() == ActivationEntropy().columns() == []
    (column,) = FlatnessMeasures(sharpness=True, rho=0.1).columns()
    assert column.settings == {"examples": 500, "space": "surviving", "rho": 0.1}
