"""Processes that share the injections, each with a fork server of its own."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tests.durability.injections import Part, Row, inject
from tests.durability.runs import Runner


def injected(shared: Sequence[Sequence[Part]], workers: int, place: str) -> Iterator[list[Row]]:
    """Yield the outcomes, run by run, as they are ready.

    Args:
        shared: For each run what is injected.
        workers: How many processes.
        place: Folder to work in.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(place,)) as pool:
        for done in as_completed([pool.submit(_inject, each) for each in shared]):
            yield done.result()


_runner: Runner | None = None


def _start(place: str) -> None:
    global _runner
    _runner = Runner(Path(tempfile.mkdtemp(dir=place)))


def _inject(each: Sequence[Part]) -> list[Row]:
    assert _runner is not None
    return [row for part in each for row in inject(_runner, part)]
