"""The W&B workspace: its names are those of our files, and the real client brings it to a server."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import signature

import pytest

from sdd.__main__ import main
from sdd.analysis.columns import write_columns
from sdd.analysis.curve import FIRST_COLUMNS, read_curve, write_curve
from sdd.analysis.summary import summarise
from sdd.callbacks import FlatnessMeasures, TrainingDynamics
from sdd.cli.parse import plan
from sdd.dashboard import panels as shown
from sdd.dashboard.command import dashboard
from sdd.errors import UserError
from sdd.measures.columns import Column
from tests.analysis.test_comparison import make_run
from tests.small import CONFIG, PROJECT, small_run

# Of the package itself, not of ours.
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic V1 style `@validator`:DeprecationWarning")

FLATNESS = ("hessian_top", "hessian_trace", "sharpness", "effective_dimension")

BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "wandb_workspaces":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Blocker())
from sdd.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def dry_run(capsys, *arguments):
    assert dashboard(["me/sdd", "--dry_run", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def panels_of(spec):
    sections = spec["section"]["panelBankConfig"]["sections"]
    return {part["name"]: [(panel["viewType"], panel["config"]) for panel in part["panels"]] for part in sections}


def without_ids(value):
    """Panels get a random id at each making."""
    if isinstance(value, dict):
        return {key: without_ids(part) for key, part in value.items() if key != "__id__"}
    return [without_ids(part) for part in value] if isinstance(value, list) else value


def flat(content, prefix=""):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_every_measure_is_drawn_against_what_remains_with_mean_and_spread_of_each_group(capsys):
    panels = panels_of(dry_run(capsys)["spec"])
    assert list(panels) == ["Curves", "Memorisation", "Distance", "Flatness", "Epochs", "Verdicts"]
    drawn = []
    levels = [panel for name, part in panels.items() if name != "Epochs" for panel in part]
    for kind, config in levels:
        if kind == "Run History Line Plot":
            assert (config["xAxis"], config["xLogScale"]) == ("remaining_fraction", True)
            assert config["xAxisTitle"] == "remaining weights (fraction)"
            assert (config["groupBy"], config["groupAgg"], config["groupArea"]) == ("group", "mean", "stddev")
            assert config["limit"] >= 100
            drawn += config["metrics"]
    by_section = {
        name: [one for _, config in part for one in config.get("metrics", [])] for name, part in panels.items()
    }
    assert by_section["Curves"][:2] == ["test_acc", "train_acc"]
    assert by_section["Memorisation"] == ["memorized", "recovered"]
    assert by_section["Distance"] == ["distance", "distance_init", "distance_start"]
    assert by_section["Flatness"] == list(FLATNESS)
    measures = {*FIRST_COLUMNS, "best_test_acc", *FLATNESS} - {
        "level",
        "sparsity",
        "remaining",
        "remaining_fraction",
        "seconds",
    }
    assert sorted(drawn) == sorted(measures), "each measure once, and nothing that no run has"


def test_epochs_are_drawn_over_steps_under_the_names_that_they_are_logged_by(capsys, tmp_path):
    configs = [config for _, config in panels_of(dry_run(capsys)["spec"])["Epochs"]]
    assert {config["xAxis"] for config in configs} == {"trainer/global_step"}
    assert not any(config.get("xLogScale") for config in configs)
    drawn = [name for config in configs for name in config["metrics"]]
    assert {*drawn[:2]} == {"epochs/test_acc", "epochs/train_acc"}
    trainer, _, _ = small_run(tmp_path, TrainingDynamics("all"), levels=1)
    assert {*drawn} == {name for name in trainer.callback_metrics if name.startswith("epochs/")} - {
        "epochs/level",
        "epochs/epoch",
    }


def test_a_panel_is_called_by_the_label_of_its_measure(capsys):
    panels = panels_of(dry_run(capsys)["spec"])
    titles = {config["metrics"][0]: config["chartTitle"] for _, config in panels["Curves"] if "metrics" in config}
    assert titles["test_acc"] == "test accuracy"
    assert titles["train_acc_kept"] == "training accuracy, unchanged labels"


def test_measures_of_given_runs_have_panels_too(tmp_path, capsys):
    folder = make_run(tmp_path / "run", 0)
    rows = [row | {"weight_norm": 1.0, "norm_error": 0.1, "val_acc": 0.5} for row in read_curve(folder / "curve.csv")]
    write_curve(folder / "curve.csv", rows)
    norm = Column("weight_norm", "norm of all weights", unit="weights")
    write_columns(folder, [norm, Column("norm_error", "its error", detail=True), Column("unmeasured", "never there")])
    spec = dry_run(capsys, str(folder))["spec"]
    (panel,) = panels_of(spec)["Measures"]
    assert panel[1]["metrics"] == ["weight_norm"]
    assert panel[1]["chartTitle"] == "norm of all weights (weights)"
    assert "val_acc" in [metric for _, config in panels_of(spec)["Curves"] for metric in config.get("metrics", [])]
    assert "summary:spearman.weight_norm.rho" in spec["section"]["runSets"][0]["runFeed"]["columnOrder"]
    for name in ("norm_error", "unmeasured"):
        assert name not in json.dumps(spec)


def test_folders_without_a_run_are_one_line(tmp_path, capsys):
    assert main(["dashboard", "me/sdd", str(tmp_path / "none"), "--dry_run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sdd: error: there is no run among the folders given: ")
    assert "none is not there" in line


def test_flatness_measures_are_those_of_the_callback():
    switches = {name for name, argument in signature(FlatnessMeasures).parameters.items() if argument.default is False}
    columns = {"effective_dimension" if name == "spectrum" else name for name in switches - {"loss_curves"}}
    assert set(FLATNESS) == columns


def test_verdicts_are_those_of_a_summary(tmp_path, capsys):
    flatness = {"hessian_trace": 1.0, "effective_dimension": 1.0}
    rows = [row | flatness for row in read_curve(make_run(tmp_path / "run", 0) / "curve.csv")]
    verdict = summarise(rows)
    assert verdict["double_descent"], "else trough and peak are not there to be named"
    known = set(flat(verdict))
    assert {*shown.VERDICTS, *shown.correlations(shown.usual_columns())} <= known
    spec = dry_run(capsys)["spec"]
    verdicts = panels_of(spec)["Verdicts"]
    texts = json.dumps(verdicts)
    used = {part.partition('"')[0] for part in texts.split('"summary:')[1:]}
    assert (
        {"depth", "gain", "spearman.distance.rho", "trough.sparsity", "turning_point.levels_from_trough"}
        <= used
        <= known
    )
    bars = [config for kind, config in verdicts if kind == "Bar Chart"]
    assert [config["metrics"] for config in bars] == [["depth"], ["gain"]]
    assert {config["groupBy"] for config in bars} == {"data.value.noise_rate"}
    assert {kind for kind, _ in verdicts} >= {"Scatter Plot", "Parallel Coordinates Plot"}


def test_columns_of_the_run_table_are_settings_and_verdicts(capsys):
    spec = dry_run(capsys)["spec"]
    (runs,) = spec["section"]["runSets"]
    settings = plan(["fit", "--config", str(CONFIG)]).settings.values
    assert {*shown.SETTINGS, shown.NOISE_RATE} <= set(settings)
    columns = runs["runFeed"]["columnOrder"]
    assert {"config:data.value.noise_rate", "config:seed_everything.value", "summary:depth"} <= set(columns)
    assert [key for key in columns if runs["runFeed"]["columnVisible"].get(key)] == columns
    assert runs["grouping"] == [{"section": "run", "name": "group"}]
    # Bucketed points would merge the sparsest levels.
    assert spec["section"]["settings"]["pointVisualizationMethod"] == "sampling"


def test_the_picture_of_a_run_is_shown(capsys):
    (media,) = (config for kind, config in panels_of(dry_run(capsys)["spec"])["Curves"] if kind == "Media Browser")
    assert media["mediaKeys"] == ["curve"]


def test_name(capsys):
    assert dry_run(capsys)["displayName"] == "Sparse double descent"
    content = dry_run(capsys, "--name", "rates")
    assert (content["entity"], content["project"], content["displayName"]) == ("me", "sdd", "rates")
    for name in ("", " ", "\N{GRINNING FACE}"):
        with pytest.raises(UserError, match="--name") as caught:
            dashboard(["me/sdd", "--dry_run", "--name", name])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "place", ["sdd", "me/", "/sdd", "me/sdd/x", "https://wandb.ai/me/sdd", "me/a:b", "", "m e/sdd"]
)
def test_a_malformed_place_is_one_line(capsys, place):
    assert main(["dashboard", place, "--dry_run"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"sdd: error: {place!r} is no place on W&B; give ENTITY/PROJECT, such as my-team/sdd\n"


class Server(BaseHTTPRequestHandler):
    """Knows one account, and keeps the views that it is sent."""

    views: list
    refusal: str | None

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"data": {"viewer": {"id": "1", "entity": "me", "username": "me", "email": "", "flags": "{}"}}}
        if "upsertView" in asked["query"]:
            view = asked["variables"]
            self.views.append(view)
            answer = {"data": {"upsertView": {"view": {"id": "1", "name": view["name"]}, "inserted": True}}}
            if self.refusal:
                answer = {"data": None, "errors": [{"message": self.refusal, "path": ["upsertView"]}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def stand_in(refusal=None) -> Iterator[tuple[str, list]]:
    views: list = []
    handler = type("Handler", (Server,), {"views": views, "refusal": refusal})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", views
        finally:
            server.shutdown()
            thread.join()


def save(home, url, *arguments, key="a" * 40, code=None):
    """Run the command as a user does, with an account of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    environment |= {"HOME": str(home), "PYTHONPATH": str(PROJECT), "WANDB_BASE_URL": url, "WANDB_HTTP_TIMEOUT": "3"}
    environment |= {"WANDB_X_GRAPHQL_RETRY_MAX": "1", "WANDB_ERROR_REPORTING": "false"}
    environment |= {} if key is None else {"WANDB_API_KEY": key}
    start = [sys.executable, *(["-m", "sdd"] if code is None else ["-c", code])]
    return subprocess.run(
        [*start, "dashboard", "me/sdd", *arguments],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def fails_in_one_line(done, *words):
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("sdd: error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in line


@pytest.mark.slow
def test_the_real_client_sends_the_workspace_that_the_dry_run_prints(tmp_path, capsys):
    expected = dry_run(capsys, "--name", "rates")
    with stand_in() as (url, views):
        done = save(tmp_path, url, "--name", "rates")
    assert done.returncode == 0, done.stderr
    (view,) = views
    assert (view["entityName"], view["projectName"], view["displayName"]) == ("me", "sdd", "rates")
    assert view["type"] == "project-view"
    assert without_ids(json.loads(view["spec"])) == without_ids(expected["spec"])
    assert done.stdout.startswith(f"{url}/me/sdd?nw=")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_a_server_that_refuses(tmp_path):
    with stand_in("permission denied") as (url, views):
        fails_in_one_line(save(tmp_path, url), "did not save to me/sdd", "permission denied")
    assert len(views) == 1


@pytest.mark.slow
def test_a_server_that_cannot_be_reached(tmp_path):
    fails_in_one_line(save(tmp_path, "http://127.0.0.1:9"), "me/sdd", "connection refused")


@pytest.mark.slow
def test_without_a_login(tmp_path):
    fails_in_one_line(save(tmp_path, "http://127.0.0.1:9", key=None), "wandb login", "--dry_run")


@pytest.mark.slow
def test_the_dry_run_needs_neither_account_nor_network_and_prints_nothing_but_json(tmp_path):
    done = save(tmp_path, "http://127.0.0.1:9", "--dry_run", key=None)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["project"] == "sdd"


def test_without_the_package(tmp_path):
    for more in ([], ["--dry_run"]):
        fails_in_one_line(save(tmp_path, "http://127.0.0.1:9", *more, code=BLOCK), "pip install 'sdd[dashboard]'")
