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


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from sdd.__main__ import main

    sys.exit(main(sys.argv[1:]))
