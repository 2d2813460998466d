"""Wording: what a mistaken name most likely means."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from sdd.messages import as_text, counted, did_you_mean, nearest, one_line, printable

SETTINGS = ("data.noise_rate", "data.noise_type", "pruning.levels", "pruning.fraction", "run_dir", "trainer.max_epochs")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pruning.level", "pruning.levels"),
        ("pruning.f", "pruning.fraction"),
        ("data.noise_rat", "data.noise_rate"),
        ("data.nose_rate", "data.noise_rate"),
        ("noise_rate", "data.noise_rate"),
        ("pruning.noise_rate", "data.noise_rate"),
        ("rundir", "run_dir"),
        ("zebra", None),
    ],
)
def test_the_nearest_name(name, meant):
    assert nearest(name, SETTINGS) == meant
    assert nearest(f"--{name}", [f"--{one}" for one in SETTINGS]) == (meant and f"--{meant}")


def test_a_name_that_is_near_nothing_gets_the_other_ending():
    assert did_you_mean("pruning.level", SETTINGS, "; see --help") == "; did you mean pruning.levels?"
    assert did_you_mean("zebra", SETTINGS, "; see --help") == "; see --help"
    assert did_you_mean("zebra", []) == ""


def test_lines_are_folded_and_things_counted():
    assert one_line("a\n  b\t c\n") == "a b c"
    assert [counted(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


CELLS = {
    "=1+1": "'=1+1",
    "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
    "-x": "'-x",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "-0.5": "-0.5",
    "+1e-3": "+1e-3",
    "data.noise_rate=0.2": "data.noise_rate=0.2",
    "": "",
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_begins_like_a_formula_is_text(cell):
    assert as_text(cell) == CELLS[cell]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_downloads_of_the_report_hold_the_same_cells():
    script = Path(__file__).parents[1] / "sdd" / "report" / "downloads.js"
    row = json.dumps([*CELLS, -2])
    program = f"const known = (value) => value !== null;{script.read_text()};console.log(csvText([{row}]))"
    said = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.splitlines()[0] == ",".join([*CELLS.values(), "-2"])


def test_a_line_is_one_line_on_any_terminal():
    assert printable("a\nb\x1b[31m\udcff ä→") == "a b\\x1b[31m\\udcff ä→"
    assert len(printable("x" * 10_000)) < 600
    assert len(printable("xy " * 10_000)) < 2100
