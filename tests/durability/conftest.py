"""What the tests of this folder share: a process that has imported everything, and one undisturbed run."""

import pytest

from tests.durability.experiments import TINY
from tests.durability.runs import Runner
from tests.durability.stops import Stopped


@pytest.fixture(scope="package")
def runner(tmp_path_factory):
    runner = Runner(tmp_path_factory.mktemp("durability"))
    yield runner
    runner.close()


@pytest.fixture(scope="package")
def tiny(runner):
    return Stopped(runner, TINY)
