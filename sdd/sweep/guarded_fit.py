"""`python -m sdd.sweep.guarded_fit ARGUMENTS…`: `python -m sdd ARGUMENTS…`, which ends when its standard input closes.

The sweep holds the other end of that pipe. However the sweep ends, killed outright included, its runs put their state
away and end.
"""

import os
import signal
import sys
import threading
import time

GRACE_SECONDS = 8.0


def main(arguments: list[str]) -> int:
    """Run `python -m sdd ARGUMENTS…`; returns its exit status.

    Args:
        arguments: After `python -m sdd`.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from sdd.__main__ import main as run

    return run(arguments)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
