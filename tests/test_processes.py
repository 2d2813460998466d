"""Copies of a process: what they find, how they end, what ends them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from types import ModuleType

import pytest

from sdd import fork_server, processes
from sdd.processes import ForkServer, can_fork
from tests.small import PROJECT

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes are not copied here")

# What a copy runs; it lies where the server runs, as a user's own modules do.
PROGRAM = """
import json, os, random, signal, subprocess, sys, threading, time
import numpy

def main(arguments):
    what = arguments[0]
    if what == "tell":
        import __main__
        print(json.dumps({
            "argv": sys.argv, "main": __main__.__spec__.name, "where": os.getcwd(), "variable": os.environ["SDD_TEST"],
            "group": os.getpgrp() == os.getpid(), "threads": threading.active_count(), "int": str(signal.getsignal(2)),
            "draws": [random.random(), numpy.random.random()], "orig": sys.orig_argv[1:],
            "files": sorted(os.readlink(f"/proc/self/fd/{n}")[:4] for n in os.listdir("/proc/self/fd") if int(n) > 2
                            and os.path.lexists(f"/proc/self/fd/{n}"))}))
        print("beside it", file=sys.stderr)
        return 3
    if what == "exit":
        sys.exit(" ".join(arguments[1:]) or None)
    if what == "raise":
        raise ValueError("out of order")
    if what == "late":
        import atexit
        atexit.register(print, "last words")
        threading.Thread(target=lambda: (time.sleep(0.1), print("of a thread"))).start()
        return 0
    if what == "wait":
        print("waiting", flush=True)
        sys.stdin.read()
        return 5
    if what == "join":
        from sdd.processes import own_client
        inner = own_client().start("program", ["wait"], 1, 2, os.getpgrp())
        print(os.getpgid(inner.pid) == os.getpgrp(), os.getpid(), inner.pid, flush=True)
        return inner.wait()
"""


def started(folder, **environment):
    (folder / "program.py").write_text(PROGRAM)
    paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    return ForkServer(["random", "numpy", "no_such_module"], folder, os.environ | {"PYTHONPATH": paths} | environment)


@contextmanager
def serving(folder):
    server = started(folder, SDD_TEST="a variable")
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server and its folder."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder) as server:
        yield server, folder


@pytest.fixture
def copy(shared, tmp_path):
    """Starts a copy; returns it and its log."""
    server, _ = shared
    return lambda *arguments: start(server, tmp_path / "log", *arguments)


def start(server, log, *arguments):
    with log.open("ab", buffering=0) as output:
        return server.client().start("program", arguments, output.fileno(), output.fileno()), log


def until(happened):
    """Wait until something is so."""
    end = time.monotonic() + 10
    while not (result := happened()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return result


def living(pid):
    """Tell whether a process runs."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_copy_finds_what_a_new_process_finds(shared, copy):
    _, folder = shared
    process, log = copy("tell", "--of", "two words")
    assert process.wait() == 3
    assert process.poll() == 3
    told, beside = log.read_text().splitlines()
    told = json.loads(told)
    assert told["argv"] == [str(folder / "program.py"), "tell", "--of", "two words"]
    assert told["orig"] == ["-m", "program", "tell", "--of", "two words"]
    assert told["main"] == "program"
    assert told["where"] == os.path.realpath(folder)
    assert told["variable"] == "a variable"
    assert told["group"]
    assert told["threads"] == 1
    assert told["int"] == str(signal.default_int_handler)
    assert [name for name in told["files"] if name != "/pro"] == ["sock"]  # the socket on which it may ask itself
    assert beside == "beside it"


def test_no_two_copies_draw_the_same_unseeded_numbers(copy):
    for _ in range(2):
        process, log = copy("tell")
        process.wait()
    first, second = (json.loads(line)["draws"] for line in log.read_text().splitlines() if line.startswith("{"))
    assert all(one != other for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["exit"], 0, ""),
        (["exit", "with", "words"], 1, "with words\n"),
        (["raise"], 1, "ValueError: out of order\n"),
        (["late"], 0, "of a thread\nlast words\n"),
    ],
)
def test_it_ends_as_python_ends(copy, arguments, status, said):
    process, log = copy(*arguments)
    assert process.wait() == status
    assert log.read_text().endswith(said)
    assert said or log.read_text() == ""


def test_a_signal_is_seen_and_others_at_work_are_not_touched(copy):
    first, log = copy("wait")
    second, _ = copy("wait")
    third, _ = copy("wait")
    until(lambda: log.read_text().count("waiting") == 3)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(0.05)
    assert first.poll() is None
    first.terminate()
    assert first.wait(10) == -signal.SIGTERM
    os.killpg(second.pid, signal.SIGKILL)
    assert second.wait(10) == -signal.SIGKILL
    first.terminate()  # of what has ended: nothing happens
    assert third.poll() is None
    third._standard_input.close()
    assert third.wait(10) == 5


def test_its_standard_input_ends_with_what_holds_it(copy):
    process, log = copy("wait")
    pid = process.pid
    until(log.read_text)
    assert living(pid)
    del process
    until(lambda: not living(pid))


def test_a_copy_asks_for_another_in_its_own_group(copy):
    process, log = copy("join")
    # The inner one may print first, and a line may be there in part.
    found = until(lambda: re.search(r"^(True|False) (\d+) (\d+)\n", log.read_text(), re.MULTILINE))
    in_group, pid, inner = found.groups()
    assert in_group == "True"
    assert int(pid) == process.pid
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    until(lambda: not living(inner))


def test_without_the_server_its_copies_end_and_nothing_is_started(tmp_path):
    with serving(tmp_path) as server:
        process, log = start(server, tmp_path / "log", "wait")
        until(log.read_text)
        server._process.kill()
        assert process.wait(10) == -signal.SIGKILL
        until(lambda: not living(process.pid))
        assert start(server, tmp_path / "log", "exit")[0] is None


def test_a_server_that_is_not_wanted_any_more_is_not_waited_for(tmp_path):
    server = started(tmp_path, PYTHONPROFILEIMPORTTIME="1")
    server.give_up()
    assert server.client() is None
    server.close()


def test_the_server_ends_with_whoever_started_it(tmp_path):
    starts = "from pathlib import Path; import os, time; from sdd.processes import ForkServer\n"
    starts += "server = ForkServer([], Path.cwd(), os.environ); server.client()\n"
    starts += "print(server._process.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", starts], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as starter:
        server = int(starter.stdout.readline())
        assert living(server)
        starter.kill()
    until(lambda: not living(server))


@pytest.mark.parametrize(("platform", "device"), [("darwin", None), ("win32", None), ("linux", "nvidia0")])
def test_nothing_is_copied_where_that_is_not_safe(tmp_path, monkeypatch, platform, device):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(processes, "_ACCELERATORS", (f"{tmp_path}/nvidia[0-9]*",))
    if device is not None:
        (tmp_path / device).touch()
    assert not can_fork()


def test_nothing_is_copied_where_the_kernel_does_not_tell_of_ends(monkeypatch):
    def lacking(pid):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", lacking)
    assert not can_fork()
    monkeypatch.delattr(os, "pidfd_open")
    assert not can_fork()


def test_what_a_function_of_a_server_raises_is_not_taken_for_a_module_that_is_missing(monkeypatch):
    module = ModuleType("warms")

    def warm():
        raise ImportError("broken within")

    module.warm = warm
    monkeypatch.setitem(sys.modules, "warms", module)
    with pytest.raises(ImportError, match="broken within"):
        fork_server._import("warms", "warm")
    fork_server._import("no_such_module", "warm")
