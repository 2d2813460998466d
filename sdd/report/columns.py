"""What the columns of `curve.csv` are called on the page, and which of them are shown."""

from collections.abc import Mapping, Sequence

from sdd.analysis.curve import further_columns, measure_columns

FRACTIONS = ("test_acc", "train_acc", "train_acc_kept", "memorized", "recovered", "val_acc")

_LABELS = {
    "test_acc": "Test accuracy",
    "train_acc": "Training accuracy",
    "memorized": "Memorisation",
    "distance": "Learning distance",
    "hessian_top": "Top Hessian eigenvalue",
    "hessian_trace": "Hessian trace",
    "sharpness": "Sharpness",
    "recovered": "Recovered true labels",
    "train_acc_kept": "Training accuracy, unchanged labels",
    "train_loss": "Training loss",
    "test_loss": "Test loss",
    "distance_init": "Distance from the initialisation",
    "val_acc": "Validation accuracy",
    "val_loss": "Validation loss",
}
_EXPLAINED = {
    "test_acc": "on the clean test set",
    "train_acc": "on the training set with its noisy labels",
    "memorized": "fraction of the changed labels predicted as the wrong class that they were given",
    "distance": "ℓ2 norm of what a level's training moved",
    "hessian_top": "largest eigenvalue of the Hessian of the training loss at the level's final weights",
    "hessian_trace": "trace of the Hessian of the training loss at the level's final weights",
    "sharpness": "rise of the training loss after one ascent step",
    "recovered": "fraction of the changed labels predicted as their true class",
    "train_acc_kept": "on the training examples whose label was not changed",
    "train_loss": "on the training set with its noisy labels",
    "test_loss": "on the clean test set",
    "distance_init": "ℓ2 norm from the first initialisation",
    "val_acc": "on the examples kept aside, with noisy labels",
    "val_loss": "on the examples kept aside, with noisy labels",
}
_FIRST = ("test_acc", "train_acc", "memorized", "distance")
_ON_DEMAND = ("recovered", "train_acc_kept", "train_loss", "test_loss", "distance_init")
_BEFORE = "_before"


def page_columns(rows: Sequence[Mapping[str, float | int]]) -> list[dict[str, object]]:
    """Return the columns that the page can draw, in their order there.

    Args:
        rows: Of all runs.

    Returns:
        For each `name`, `label`, `note` in words, `share` (a fraction in [0, 1], written as percent), `shown` (at
        first: accuracies, memorisation, distance and every further measure) and `correlated` (with test accuracy).
    """
    measures = measure_columns(rows)
    further = [name for name in further_columns(rows) if name.startswith("val_") or name.endswith(_BEFORE)]
    present = {name for row in rows for name in row}
    names = [name for name in (*_FIRST, *measures, *_ON_DEMAND, *further) if name in present]
    return [
        {
            "name": name,
            "label": _label(name),
            "note": _EXPLAINED.get(name, ""),
            "share": name.removesuffix(_BEFORE) in FRACTIONS,
            "shown": name in _FIRST or name in measures,
            "correlated": name == "distance" or name in measures,
        }
        for name in names
    ]


def _label(name: str) -> str:
    if name.endswith(_BEFORE):
        return f"{_label(name.removesuffix(_BEFORE))}, before training"
    return _LABELS.get(name, name)
