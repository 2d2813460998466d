"""What is asked for at each point of a path, and its rows."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from sdd.callbacks.accuracy import Places, measure
from sdd.callbacks.dynamics import chosen_examples
from sdd.cli.rebuild import Rebuilt
from sdd.data.loader import PlainLoader
from sdd.errors import UserError
from sdd.interpolation.ends import End
from sdd.measures.path import Statistics, differing_shapes, estimate_statistics, has_statistics, path_between, steps
from sdd.models.state import State
from sdd.parts import check_choice


@dataclass(frozen=True)
class Asked:
    """How paths are measured.

    Attributes:
        points: Values of α, 0 and 1 among them.
        examples: Of each part of the data, the same ones as those of `dynamics.examples`; None: all.
        statistics: What normalisation statistics are on the path.

    Raises:
        UserError: A value is outside what is allowed.
    """

    points: int = 101
    examples: int | None = None
    statistics: Statistics = "interpolated"

    def __post_init__(self) -> None:
        if self.points < 2:
            raise UserError(f"points is {self.points}; it must be at least 2, as both ends are among them")
        if self.examples is not None and self.examples < 1:
            raise UserError(f"examples is {self.examples}; it must be at least 1")
        check_choice("statistics", self.statistics, ("interpolated", "recomputed"))

    def content(self) -> dict[str, Any]:
        """Return it by name."""
        return asdict(self)


def rows_between(rebuilt: Rebuilt, a: End, b: End, asked: Asked) -> Iterator[dict[str, float]]:
    """Measure the path from one level to another.

    Yields:
        A row for each α: `alpha`, then losses and accuracies under the names of `curve.csv`.

    Raises:
        UserError: The levels are of other networks, or there are no statistics to estimate.
    """
    data, net = rebuilt.data, rebuilt.net
    states = states_of(a, b)
    if asked.statistics == "recomputed" and not has_statistics(net):
        raise UserError(
            "statistics is recomputed, but the network has no normalisation with running statistics: leave it out"
        )
    places = None if asked.examples is None else chosen_examples(data, asked.examples)

    def evaluate(moved: nn.Module) -> Mapping[str, float]:
        if asked.statistics == "recomputed":
            estimate_statistics(moved, (images for images, _ in _training_batches(rebuilt, places)))
        return measure(moved, data, rebuilt.loss, places)

    return path_between(net, *states, steps(asked.points), evaluate)


def states_of(a: End, b: End) -> tuple[State, State]:
    """Return the states of two levels, each tensor [...] by name, on the CPU.

    Raises:
        UserError: They are of different networks.
    """
    states = a.state(), b.state()
    if differing := differing_shapes(*states):
        raise UserError(f"{a.name} and {b.name} are of different networks: they differ in {', '.join(differing[:3])}")
    return states


def _training_batches(rebuilt: Rebuilt, places: Places | None) -> Iterator[Any]:
    """Yield the training examples that are measured, in stored order; a last batch of fewer is left out."""
    data, train = rebuilt.data, rebuilt.data.split("train")
    if places is not None:
        train = train.take(places["train"])
    whole = len(train.labels) // data.batch_size * data.batch_size or len(train.labels)
    return iter(PlainLoader(train.images[:whole], train.labels[:whole], data.batch_size, data.view()))
