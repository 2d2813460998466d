"""`python -m tests.golden.record`: compute every golden curve anew and write the file of this kind of processor.

Done once, before a change that must not move a number; a change that means to move some says which, and why, in its
commit.
"""

import contextlib
import io
import json
import os
import platform
import tempfile
from pathlib import Path

import pytest
import torch

from sdd.__main__ import main
from tests.golden.cases import CASES, Case
from tests.golden.stand_ins import STAND_INS, image_folder
from tests.small import curve_without_seconds

RECORDED = {path.stem.removeprefix("curves-"): path for path in sorted(Path(__file__).parent.glob("curves-*.json"))}
"""The files, by the processor's kind as torch has it, in small letters."""

FURTHER = ("loss_curves.csv", "distance_path.csv", "spectrum.csv")


def machine() -> dict[str, str]:
    """Return what last bits depend on."""
    return {
        "torch": torch.__version__.partition("+")[0],
        "machine": platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


def run_case(case: Case, place: Path) -> dict[str, list[list[str]]]:
    """Run a case in an empty folder, which must be the working directory; returns the cells of its tables."""
    if "image" in " ".join(case.arguments):
        image_folder(place / "images")
    (place / "labels.txt").write_text("\n".join(str(n * 7 % 10) for n in range(1000)))
    threads = torch.get_num_threads()
    said = io.StringIO()
    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            for name, stand_in in STAND_INS.items():
                patch.setattr(f"torchvision.datasets.{name}", stand_in)
            if case.first is not None:
                arguments, folder = case.first
                assert main([*arguments, "--run_dir", folder]) == 0, said.getvalue()
            assert main([*case.arguments, "--run_dir", "runs/case"]) == 0, said.getvalue()
    finally:
        torch.set_num_threads(threads)
    run = place / "runs" / "case"
    tables = {"curve.csv": curve_without_seconds(run)}
    for name in FURTHER:
        if (run / name).is_file():
            tables[name] = [line.split(",") for line in (run / name).read_text().splitlines()]
    return tables


def record() -> None:
    """Write the file of this processor."""
    curves = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as place:
            before = Path.cwd()
            os.chdir(place)
            try:
                curves[case.name] = run_case(case, Path(place))
            finally:
                os.chdir(before)
    file = Path(__file__).with_name(f"curves-{machine()['cpu'].lower()}.json")
    file.write_text(json.dumps({"machine": machine(), "curves": curves}, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    record()
