"""The notebooks run from top to bottom, and give what they are committed with."""

import re

import nbformat
import pytest

from tests.examples.execute import executed
from tests.small import PROJECT

NOTEBOOKS = sorted((PROJECT / "examples").glob("*.ipynb"))


def texts(cell):
    """What a cell prints and shows, as texts."""
    return "".join(output.get("text") or output["data"].get("text/plain", "") for output in cell.outputs)


def curve(text):
    """The rows of the curve that a training prints: level, sparsity, remaining weights, and the rest but seconds."""
    rows = [line.split()[:-1] for line in text.splitlines() if re.match(r" +\d+ +\d+\.\d+% +\d+ ", line)]
    return [[float(cell.rstrip("%")) for cell in row] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_what_it_is_committed_with(path):
    committed, now = nbformat.read(path, 4), executed(path)
    told = f"python -m tests.examples.execute {path.relative_to(PROJECT)}"
    pairs = [(one, other) for one, other in zip(committed.cells, now.cells, strict=True) if one.cell_type == "code"]
    curves = 0
    for before, after in pairs:
        kinds = [[sorted(output.get("data", {"text": None})) for output in cell.outputs] for cell in (before, after)]
        assert kinds[0] == kinds[1], told
        before, after = texts(before), texts(after)
        rows, again = curve(before), curve(after)
        assert [row[:3] for row in rows] == [row[:3] for row in again], told
        for row, other in zip(rows, again, strict=True):
            assert row[7] == pytest.approx(other[7], abs=6), (
                "test accuracy in percent; another processor rounds otherwise"
            )
            assert row[8] == pytest.approx(other[8], rel=0.1), "learning distance"
        curves += bool(rows)
        if "wrong" in before and not rows:
            assert before == after, "noise is the same on every machine"
    assert curves == 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_was_executed_in_order_and_is_small(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    assert sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs) >= 2
    text = path.read_text()
    assert len(text) < 150_000
    assert not re.search(r"/(home|root|work|tmp|usr)/", text)
