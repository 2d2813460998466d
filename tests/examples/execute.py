"""Executes a notebook, each cell in a kernel of its own process, in an empty folder.

`python -m tests.examples.execute examples/own_network.ipynb` writes what its cells give into it.
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode


def executed(path: Path) -> NotebookNode:
    """Return a notebook with what its cells print and show now; what Lightning says on standard error is left out.

    Raises:
        CellExecutionError: A cell fails.
    """
    notebook = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place, coalesce_streams=True).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it was
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(Path(sys.argv[1])), sys.argv[1])
