"""Lightning callbacks, which decide when things happen; what happens is in the folders beside this one."""

from sdd.callbacks.accuracy import AccuracyMeasures
from sdd.callbacks.calibration import CalibrationMeasures
from sdd.callbacks.curve_recorder import CurveRecorder
from sdd.callbacks.distance import LearningDistance
from sdd.callbacks.dynamics import TrainingDynamics
from sdd.callbacks.entropy import ActivationEntropy
from sdd.callbacks.flatness import FlatnessMeasures
from sdd.callbacks.iterative_pruning import IterativePruning
from sdd.callbacks.level import Level, LevelCallback
from sdd.callbacks.level_warnings import LevelWarnings
from sdd.callbacks.progress import JobProgress
from sdd.callbacks.run_checkpoint import RunCheckpoint

__all__ = [
    "AccuracyMeasures",
    "ActivationEntropy",
    "CalibrationMeasures",
    "CurveRecorder",
    "FlatnessMeasures",
    "IterativePruning",
    "JobProgress",
    "LearningDistance",
    "Level",
    "LevelCallback",
    "LevelWarnings",
    "RunCheckpoint",
    "TrainingDynamics",
]
