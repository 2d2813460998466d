"""A measure from outside, given by its import path: label, unit and colour reach every place that shows one."""

import json
import sys

import numpy as np
import pytest

from sdd.__main__ import main
from sdd.analysis import figures, load_runs, plots
from sdd.analysis.curve import column, read_curve
from tests.small import QUICK

MODULE = """
from sdd.callbacks import LevelCallback
from sdd.measures.columns import Column

NORM = Column("weight_norm", "norm of all weights", "l2 norm", "mm", "#AA3377", better="lower")
PART = Column("kept_norm", "norm of the survivors", unit="fraction", detail=True)


class WeightNorm(LevelCallback):
    def __init__(self, power: float = 2.0):
        self.power = power

    def columns(self):
        return [NORM.measured_with(power=self.power), PART]

    def measure_level(self, trainer, pl_module, level):
        weights = [parameter.detach() for parameter in pl_module.net.parameters()]
        norm = float(sum(weight.abs().pow(self.power).sum() for weight in weights) ** (1 / self.power))
        return {"weight_norm": norm, "kept_norm": 0.5}
"""


# Of W&B's package, not of ours.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1 style `@validator`:DeprecationWarning")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two seeds through the command line, and the figure that the last one drew."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_package.py").write_text(MODULE)
    drawn = []
    sys.modules.pop("my_package", None)  # of another test in this process
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(plots, "write_figure", lambda figure, *_: drawn.append(figure))
        for seed in ("0", "1"):
            chosen = ["--trainer.callbacks", "my_package.WeightNorm", "--seed_everything", seed]
            assert main([*QUICK, *chosen, "--run_dir", str(folder / "runs" / seed)]) == 0
    sys.modules.pop("my_package")  # what reads runs does without
    return folder / "runs", drawn[-1]


def axes_called(figure, label):
    (found,) = (axes for axes in figure.axes if axes.get_ylabel().replace("\n", " ") == label)
    return found


def test_picture(runs):
    folder, figure = runs
    axes = axes_called(figure, "norm of all weights (mm)")
    (line,) = axes.lines
    assert line.get_color() == "#AA3377"
    assert line.get_ydata().tolist() == column(read_curve(folder / "1" / "curve.csv"), "weight_norm")
    assert len(figure.axes) == 3, "accuracies, distance, and this measure, but not its detail"


def test_report(runs, tmp_path):
    assert main(["report", str(runs[0]), "--out", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    content = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    columns = {column["name"]: column for column in content["columns"]}
    assert columns["weight_norm"] == {
        "name": "weight_norm",
        "label": "Norm of all weights",
        "note": "l2 norm; lower is better",
        "unit": "mm",
        "fraction": False,
        "shown": True,
        "correlated": True,
        "whole": False,
    }
    assert "kept_norm" not in columns


def test_analyze(runs, tmp_path, capsys, monkeypatch):
    drawn = {}
    monkeypatch.setattr(figures, "write_figure", lambda figure, path, _: drawn.update({path.name: figure}))
    assert main(["analyze", str(runs[0]), "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "weight_norm: norm of all weights (mm)" in " ".join(shown.split())
    axes = axes_called(drawn["group-measures.svg"], "norm of all weights (mm)")
    rows = [read_curve(runs[0] / seed / "curve.csv") for seed in "01"]
    mean = np.mean([column(one, "weight_norm") for one in rows], axis=0)
    assert axes.lines[0].get_ydata() == pytest.approx(mean)
    assert axes.lines[0].get_color() == "#AA3377"


def test_dashboard(runs, capsys):
    pytest.importorskip("wandb_workspaces")
    assert main(["dashboard", "me/sdd", "--dry_run", str(runs[0])]) == 0
    sections = json.loads(capsys.readouterr().out)["spec"]["section"]["panelBankConfig"]["sections"]
    panels = {section["name"]: [panel["config"] for panel in section["panels"]] for section in sections}
    (panel,) = panels["Measures"]
    assert (panel["metrics"], panel["chartTitle"]) == (["weight_norm"], "norm of all weights (mm)")


def test_table(runs):
    about = load_runs(runs[0]).attrs["columns"]["weight_norm"]
    assert (about["label"], about["unit"], about["colour"]) == ("norm of all weights", "mm", "#AA3377")
    assert about["settings"] == {"power": 2.0}
