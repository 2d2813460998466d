"""A server of its own for each test, and machines whose processes end with it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.wandb_client.client import Machine
from tests.wandb_client.server import StandIn


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A W&B server without anything on it, which was asked for nothing that it does not know."""
    with StandIn() as stand_in:
        yield stand_in
    assert stand_in.errors == []
    assert stand_in.unknown == []


@pytest.fixture
def new_machine(server: StandIn, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Make further machines, given a name and what differs in their environment."""
    with ExitStack() as machines:
        yield lambda name, **environment: machines.enter_context(Machine(tmp_path / name, server, **environment))


@pytest.fixture
def machine(new_machine: Callable[..., Machine]) -> Machine:
    """A computer on which clients of the server run."""
    return new_machine("machine")
