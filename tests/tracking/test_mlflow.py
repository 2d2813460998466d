"""What a run leaves on MLflow, in a store of files, read back with MLflow's own client."""

import importlib.util
import json
import math
from pathlib import Path

import pytest
from lightning.pytorch.loggers import MLFlowLogger

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.tracking import loggers
from sdd.tracking.mlflow_run import ALLOW_FILE_STORE, begin
from tests.small import QUICK

LOGGED = [*QUICK, "--threads", "1", "--trainer.logger", "MLFlowLogger"]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Two runs of a sweep in one store, and the client that reads it."""
    tracking = pytest.importorskip("mlflow.tracking")
    place = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
        patch.setenv("GIT_PYTHON_REFRESH", "quiet")
        for rate in ("0.2", "0.4"):
            arguments = ["--data.noise_rate", rate, "--trainer.logger.experiment_name", "rates"]
            assert main([*LOGGED, *arguments, "--run_dir", f"runs/rate{rate}"]) == 0
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        client = tracking.MlflowClient((place / "mlruns").as_uri())
        experiment = client.get_experiment_by_name("rates")
        yield place, client, {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_runs_have_the_name_of_their_folder_and_their_settings(logged):
    _, _, runs = logged
    assert runs.keys() == {"rate0.2", "rate0.4"}
    assert [runs[name].data.params["data/noise_rate"] for name in ("rate0.2", "rate0.4")] == ["0.2", "0.4"]
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_each_level_is_there_over_steps_and_over_what_remains(logged):
    place, client, runs = logged
    for name, run in runs.items():
        rows = read_curve(place / "runs" / name / "curve.csv")
        for measure in ("test_acc", "distance", "sparsity", "remaining_fraction"):
            history = client.get_metric_history(run.info.run_id, measure)
            assert [one.value for one in history] == [row[measure] for row in rows]
        over = client.get_metric_history(run.info.run_id, "over_remaining_fraction/test_acc")
        assert [one.value for one in over] == [row["test_acc"] for row in rows]
        assert [one.step for one in over] == [round(-1000 * math.log10(row["remaining_fraction"])) for row in rows]
        assert run.data.metrics["best_test_acc"] == max(row["test_acc"] for row in rows), "what runs are compared by"
        assert run.data.metrics["depth"] == 0.0


def test_picture_table_and_verdict_are_there(logged):
    place, client, runs = logged
    run = runs["rate0.4"].info.run_id
    stored = {item.path: Path(client.download_artifacts(run, item.path)) for item in client.list_artifacts(run)}
    folder = place / "runs" / "rate0.4"
    assert stored["curve.png"].read_bytes() == (folder / "curve.png").read_bytes()
    assert stored["curve.csv"].read_bytes() == (folder / "curve.csv").read_bytes()
    rows = read_curve(folder / "curve.csv")
    table = json.loads(stored["levels.json"].read_text())
    shown = [dict(zip(table["columns"], cells, strict=True)) for cells in table["data"]]
    assert shown == [pytest.approx(row, abs=1e-9) for row in rows], "MLflow stores ten digits"
    assert json.loads(stored["summary.json"].read_text()) == json.loads((folder / "summary.json").read_text())


def test_of_runs_that_make_their_experiment_at_once_each_gets_it(tmp_path, monkeypatch):
    """What the second of two finds: no experiment when it looks, and one when it makes its own."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv(ALLOW_FILE_STORE, "true")
    first, second = (MLFlowLogger("rates", tracking_uri=(tmp_path / "store").as_uri()) for _ in range(2))
    begin(first)
    looks = second._mlflow_client.get_experiment_by_name
    seen = iter([None])
    monkeypatch.setattr(second._mlflow_client, "get_experiment_by_name", lambda name: next(seen, looks(name)))
    begin(second)
    assert first.experiment_id == second.experiment_id
    assert first.run_id != second.run_id


@pytest.mark.parametrize(("logger", "package"), [("MLFlowLogger", "mlflow"), ("TensorBoardLogger", "tensorboard")])
def test_a_logger_whose_package_is_missing_is_one_line_before_anything_is_trained(
    tmp_path, capsys, monkeypatch, logger, package
):
    there = importlib.util.find_spec
    monkeypatch.setattr(loggers, "find_spec", lambda name: None if name.startswith(package) else there(name))
    assert main([*QUICK, "--trainer.logger", logger, "--run_dir", str(tmp_path / "run")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    wanted = f"{package} is not installed: pip install {package}, or leave it out"
    assert line == f"sdd: error: trainer.logger is {logger}, but {wanted}"
    assert not (tmp_path / "run" / "curve.csv").exists()
