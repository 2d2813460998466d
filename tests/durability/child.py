"""A run in a process of its own, whose file operations are watched: `main` is called in a copy of a fork server."""

import os
import pickle
import sys
import tempfile
from pathlib import Path

from sdd.__main__ import main as run
from sdd.runs import prerequisites
from tests.durability.operations import Operation, Stop, Watch


def main(arguments: list[str]) -> int:
    """Run a command in a folder.

    Args:
        arguments: The folder; the file to record the operations in, or nothing; number of the operation to stop at and
            how, or nothing; the command line.
    """
    place, record, at, by, *command = arguments
    os.chdir(place)
    temporary = Path(place, "tmp")
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    operations: list[Operation] = []
    watch = Watch(Path(place), Stop(int(at), by) if at else None, operations.append)
    prerequisites._run = run  # in this process, so that it is watched too
    watch.install()
    status = run(command)
    if record:
        with open(record, "wb") as file:
            pickle.dump(operations, file)
    sys.stdout.flush()
    return status
