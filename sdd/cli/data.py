"""`python -m sdd data`: the data of an experiment, its noisy labels, and where each example is from."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from sdd.cli.parse import parse
from sdd.console import OneLineParser, say
from sdd.data import NoisyLabelData
from sdd.data.splits import Split
from sdd.errors import UserError
from sdd.failures import telling
from sdd.files import check_output
from sdd.places import path_argument
from sdd.runs.noise_text import class_line, noise_lines
from sdd.runs.same_data import record_of

_WORDS = {"train": "training", "val": "validation", "test": "test"}
_IMAGES = 60


def data(arguments: Sequence[str]) -> int:
    """Show the data of an experiment; see `--help`.

    Args:
        arguments: The command line after `data`.

    Raises:
        UserError: A setting is not allowed, the data cannot be read, or no picture can be written where it is to lie.
    """
    parser = OneLineParser(
        prog="python -m sdd data",
        description="Shows the data that `fit` with the same settings trains on: the parts and their classes, how many "
        "labels are wrong and which are taken for which, and of each example where it lies. Nothing is trained or "
        "stored.",
        epilog="Further options are settings as for fit, such as --config digits_mlp --data.noise_rate 0.2.",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="print the examples instead, as CSV: part; row in it; place in the data set, which is the order of the "
        "labels in data.noise_file; true label and label, with the names of the classes, and the file where there are "
        "such",
    )
    parser.add_argument(
        "--picture",
        type=path_argument,
        metavar="FILE",
        help=f"draw {_IMAGES} training images with their labels, wrong ones in red, as .png, .pdf or .svg",
    )
    chosen, settings = parser.parse_known_args(arguments)
    if chosen.picture is not None and chosen.picture.suffix not in {".png", ".pdf", ".svg"}:
        raise UserError(f"--picture is {chosen.picture}; it must end in .png, .pdf or .svg")
    if chosen.picture is not None:
        chosen.picture = check_output("--picture", chosen.picture)
    with telling("reading the settings"):
        request = parse(["fit", *settings])
    shown = NoisyLabelData(**request.config.data.as_dict())
    with telling("reading the data"):
        shown.load()
    if chosen.list:
        _list(shown)
    else:
        say("\n".join(_about(shown)))
    if chosen.picture is not None:
        _draw(shown, chosen.picture)
    return 0


def _about(shown: NoisyLabelData) -> list[str]:
    """Return what the data are, a line for each part, and their label noise."""
    record, content = record_of(shown), shown.content
    channels, height, width = shown.split("train").images.shape[1:]
    lines = [f"{shown.dataset}: images of {channels} × {height} × {width}, {content.num_classes} classes"]
    if content.classes is not None:
        lines.append(class_line(content.classes))
    for name, part in record.parts.items():
        fewest, most = min(part.per_class), max(part.per_class)
        of_each = f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
        lines.append(f"{_WORDS[name]}: {part.examples:,} examples, {of_each} of a class")
    return [*lines, *noise_lines(record)]


def _list(shown: NoisyLabelData) -> None:
    """Print each example as a row of CSV."""
    content = shown.content
    files = {"train": content.train_files, "val": content.train_files, "test": content.test_files}
    named, from_files = content.classes, content.train_files is not None
    table = csv.writer(sys.stdout, lineterminator="\n")
    names = ["true_class", "class"] if named is not None else []
    table.writerow(["part", "row", "place", "true_label", "label", *names, *(["file"] if from_files else [])])
    for name in shown.parts:
        split, places, paths = shown.split(name), shown.places(name).tolist(), files[name]
        for row, (place, true, label) in enumerate(zip(places, *_labels(split), strict=True)):
            called = [] if named is None else [named[true], named[label]]
            path = [paths[place] if paths is not None else ""] if from_files else []
            table.writerow([name, row, place, true, label, *called, *path])


def _draw(shown: NoisyLabelData, path: Path) -> None:
    from sdd.analysis.image_page import draw_images

    split, named = shown.split("train").spread(_IMAGES), shown.content.classes
    called = [str(number) if named is None else named[number] for number in range(shown.num_classes)]
    titles = [
        called[label] if label == true else f"{called[label]} (is {called[true]})"
        for true, label in zip(*_labels(split), strict=True)
    ]
    wrong, examples = split.flipped.tolist(), len(shown.split("train").labels)
    draw_images(split.images.numpy(), titles, wrong, path)
    say(f"{path}: {len(titles)} of {examples:,} training images, {sum(wrong)} with a wrong label", error=True)


def _labels(split: Split) -> tuple[list[int], list[int]]:
    return split.true_labels.tolist(), split.labels.tolist()
