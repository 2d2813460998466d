"""Run folders that something has happened to: every command names them in one line, without waiting for anything."""

import json
import resource
import time
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sdd.measures.built_in  # noqa: F401 - PyTorch comes with it, which takes more memory than is allowed below
from sdd.__main__ import main
from sdd.analysis import load_runs
from sdd.errors import UserError
from sdd.report.folders import read_folders
from tests.fuzz.damages import DAMAGES, ODD
from tests.report.made_runs import full_run

FILES = (
    *("settings.json", "curve.csv", "columns.json", "summary.json", "environment.json", "data.json"),
    *("loss_curves.csv", "spectrum.csv", "epochs.csv"),
)


@contextmanager
def _bounded():
    """Allow a second gigabyte of memory, and fail where it took long."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + 2**30, before[1]))
    started = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - started < 20


def _run(folder: Path) -> Path:
    full_run(folder, 0, levels=4, loss_points=3)
    return folder


def _command(*arguments: str) -> tuple[int, list[str]]:
    said = StringIO()
    with redirect_stdout(StringIO()), redirect_stderr(said):
        status = main([*arguments])
    return status, said.getvalue().splitlines()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_named_or_made_up_for(tmp_path, monkeypatch, file, damage):
    monkeypatch.chdir(tmp_path)
    run = _run(tmp_path / "runs" / "run")
    (run / file).unlink(missing_ok=True)
    DAMAGES[damage](run / file)
    with _bounded():
        folders = read_folders([tmp_path / "runs"])
        with suppress(UserError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that name the file
            load_runs([run])
    assert [folder.path for folder in folders] == [run]
    assert damage == "removed" or folders[0].state != "finished" or file not in {"settings.json", "curve.csv"}


_CONTENT = st.one_of(
    st.sampled_from(ODD).map(str.encode),
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@st.composite
def _changes(draw):
    """Draw a file and what becomes of it: cut, with bytes changed, another file's, a value replaced, or odd."""
    return draw(st.sampled_from(FILES)), draw(
        st.one_of(
            st.tuples(st.just("cut"), st.floats(0, 1)),
            st.tuples(st.just("bytes"), st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=4))),
            st.tuples(st.just("swap"), st.sampled_from(FILES)),
            st.tuples(st.just("value"), st.tuples(st.integers(0, 500), _CONTENT)),
            st.tuples(st.just("whole"), _CONTENT),
        )
    )


def _changed(folder: Path, file: str, kind: str, how) -> bytes:
    content = (folder / file).read_bytes()
    if kind == "cut":
        return content[: int(how * len(content))]
    if kind == "bytes":
        place = int(how[0] * len(content))
        return content[:place] + how[1] + content[place + len(how[1]) :]
    if kind == "swap":
        return (folder / how).read_bytes()
    if kind == "value" and file.endswith(".json"):
        whole = json.loads(content)
        _replace_one(whole, [how[0]], json.loads(how[1]) if how[1] in {part.encode() for part in ODD[:7]} else "odd")
        return json.dumps(whole).encode()
    return how if isinstance(how, bytes) else how[1]


def _replace_one(value, left: list[int], new) -> None:
    """Replace the value at a place, counted through all that lies within."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        if left[0] == 0:
            value[key] = new
        left[0] -= 1
        if left[0] >= 0 and isinstance(value[key], dict | list):
            _replace_one(value[key], left, new)


def _try_folder(change, *commands: str) -> None:
    file, (kind, how) = change
    with TemporaryDirectory() as place:
        run = _run(Path(place) / "runs" / "run")
        (run / "columns.json").write_text('{"format": 1, "columns": [{"name": "test_acc", "label": "test accuracy"}]}')
        for other in FILES:
            (run / other).touch()
        (run / file).write_bytes(_changed(run, file, kind, how))
        for command in commands:
            out = str(Path(place) / command)
            status, said = _command(command, str(run.parent), "--out", out)
            assert status in {0, 1, 2}, said
            assert status == 0 or said, "a failure without a word"
            assert all(line.startswith(("sdd: ", "note: ")) for line in said), said


@settings(max_examples=12, derandomize=True)
@given(_changes())
def test_a_changed_file_never_breaks_the_report(change):
    _try_folder(change, "report")


@pytest.mark.slow
@settings(max_examples=8)
@given(_changes())
def test_a_changed_file_never_breaks_report_and_analyze(change):
    _try_folder(change, "report", "analyze")
