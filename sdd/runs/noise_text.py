"""The label noise of a run as it was drawn, in lines for a terminal."""

from collections.abc import Sequence

from sdd.runs.data_record import DataRecord

_WIDEST = 12  # classes that a table has room for
_MOST = 5


def wrong_labels(wrong: int, examples: int, words: str) -> str:
    """Return how many labels of a part are wrong, such as `398 of 1,000 training labels are wrong (39.8%)`.

    Args:
        wrong: How many.
        examples: Of how many.
        words: What the part is called.
    """
    return f"{wrong:,} of {examples:,} {words} labels are wrong ({100 * wrong / examples:.1f}%)"


def class_line(classes: Sequence[str]) -> str:
    """Return which number each class has, such as `classes: 0 cat, 1 dog`."""
    return "classes: " + ", ".join(f"{number} {name}" for number, name in enumerate(classes))


def noise_lines(record: DataRecord, classes: Sequence[str] | None = None) -> list[str]:
    """Return how noisy the labels are that are trained and validated on, and which are taken for which.

    The transition matrix is shown whole for up to 12 classes; of more, the most frequent changes are named.

    Args:
        record: Of the data.
        classes: Their names, to be told with the matrix, in the order of their numbers; None where they have none.
    """
    lines = [
        wrong_labels(record.parts[name].wrong, record.parts[name].examples, words)
        for name, words in (("train", "training"), ("val", "validation"))
        if name in record.parts
    ]
    counts = record.parts["train"].transitions
    if record.parts["train"].wrong == 0:
        return lines
    if len(counts) > _WIDEST:
        return [
            *lines,
            _most_frequent(counts, [str(number) for number in range(len(counts))] if classes is None else classes),
        ]
    return [*lines, *([] if classes is None else [class_line(classes)]), *_matrix(counts)]


def _matrix(counts: Sequence[Sequence[int]]) -> list[str]:
    classes = range(len(counts))
    lines = ["labels of each true class, in percent:", "  true" + "".join(f"{label:>6}" for label in classes)]
    for label, row in enumerate(counts):
        total = sum(row)
        cells = (f"{100 * count / total:>6.1f}" if total else f"{'-':>6}" for count in row)
        lines.append(f"{label:>6}" + "".join(cells))
    return lines


def _most_frequent(counts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Return the most frequent changes of a class, the larger number first, then by class."""
    moves = [
        (count, label, other)
        for label, row in enumerate(counts)
        for other, count in enumerate(row)
        if count and other != label
    ]
    shown = sorted(moves, key=lambda move: (-move[0], *move[1:]))[:_MOST]
    words = ", ".join(
        f"{names[label]} to {names[other]} ({count:,} of {sum(counts[label]):,})" for count, label, other in shown
    )
    return f"most frequent changes of the true class: {words}"
