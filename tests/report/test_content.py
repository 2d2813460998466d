"""What the page is told: the numbers of curve.csv, their means, and what the analysis says of them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sdd.analysis.compare import analyse_group
from sdd.analysis.curve import read_curve, write_curve
from sdd.analysis.grouping import group_runs
from sdd.analysis.loss_curves import read_loss_curves
from sdd.analysis.reading import read_runs
from sdd.analysis.summary import summarise
from sdd.report.content import report_content
from sdd.report.folders import read_folders
from sdd.report.page import json_inside_html, page_html
from tests.analysis.test_comparison import make_run
from tests.analysis.test_one_shot import SHARES, make_part
from tests.report.made_runs import every_state, full_run


def content_of(*paths, out=Path("report.html")):
    made = report_content(read_folders(paths), title="runs", made="today", out=out, watch=None)
    content = json.loads(json_inside_html(made))
    for one in (*content["groups"], *(run for run in content["runs"] if run["level"])):
        one["sparsity"] = content["sparsities"][one["sparsity"]]
    return content


def by_name(content):
    return {run["name"]: run for run in content["runs"]}


@pytest.fixture
def sweep(tmp_path):
    """Two noise rates, three seeds each."""
    for rate in (0.2, 0.4):
        for seed in range(3):
            full_run(tmp_path / "sweep" / f"r{rate}-s{seed}", seed, levels=8, **{"data.noise_rate": rate})
    return tmp_path / "sweep"


def test_values_of_runs_are_those_of_the_file_to_the_last_bit(sweep):
    content = content_of(sweep)
    columns = [column["name"] for column in content["columns"]]
    assert columns[:7] == [
        "test_acc",
        "train_acc",
        "memorized",
        "distance",
        "hessian_top",
        "hessian_trace",
        "sharpness",
    ]
    assert not any(name.endswith(("_error", "_residual")) for name in columns)
    for run in content["runs"]:
        rows = read_curve(sweep / run["name"] / "curve.csv")
        assert run["level"] == [row["level"] for row in rows]
        assert run["sparsity"] == [row["sparsity"] for row in rows]
        for name in columns:
            assert run["values"][name] == [row[name] for row in rows]


def test_groups_hold_mean_standard_deviation_and_count_over_seeds(sweep):
    content = content_of(sweep)
    assert [group["label"] for group in content["groups"]] == ["data.noise_rate=0.2", "data.noise_rate=0.4"]
    for group, rate in zip(content["groups"], (0.2, 0.4), strict=True):
        files = [read_curve(sweep / f"r{rate}-s{seed}" / "curve.csv") for seed in range(3)]
        for name, found in group["values"].items():
            values = np.array([[row[name] for row in rows] for rows in files])
            np.testing.assert_allclose(found["mean"], values.mean(axis=0), rtol=1e-14)
            np.testing.assert_allclose(found["sd"], values.std(axis=0, ddof=1), rtol=1e-12)
            assert found["n"] == [3] * 8
    ids = {run["id"]: run["name"] for run in content["runs"]}
    assert [ids[run] for run in content["groups"][0]["runs"]] == ["r0.2-s0", "r0.2-s1", "r0.2-s2"]


def test_a_level_that_a_seed_lacks_lowers_the_count_and_is_missing_in_its_curve(sweep):
    path = sweep / "r0.2-s0" / "curve.csv"
    rows = read_curve(path)
    rows[3]["test_acc"] = math.nan
    del rows[4]["hessian_top"]
    rows[5]["distance"] = math.inf
    write_curve(path, rows)
    content = content_of(sweep)
    run, group = by_name(content)["r0.2-s0"], content["groups"][0]
    assert [index for index, value in enumerate(run["values"]["test_acc"]) if value is None] == [3]
    assert run["values"]["hessian_top"][4] is None
    assert run["values"]["distance"][5] is None
    assert group["values"]["test_acc"]["n"] == [3, 3, 3, 2, 3, 3, 3, 3]
    pair = [read_curve(sweep / f"r0.2-s{seed}" / "curve.csv")[3]["test_acc"] for seed in (1, 2)]
    assert group["values"]["test_acc"]["mean"][3] == pytest.approx(sum(pair) / 2, rel=1e-15)


def test_what_is_said_of_runs_and_groups_is_what_the_analysis_says(tmp_path):
    for seed in range(4):
        make_run(tmp_path / f"s{seed}", seed)
    content = content_of(tmp_path)
    loaded = read_runs([tmp_path]).runs
    for run in loaded:
        shown, summary = by_name(content)[run.name], summarise(run.rows)
        assert shown["depth"] == summary["depth"]
        assert shown["gain"] == summary["gain"]
        assert shown["phases"]["trough"] == summary["trough"]["level"]
        assert shown["phases"]["peak"] == summary["peak"]["level"]
        assert shown["phases"]["boundaries"] == summary["boundaries"]
        assert shown["spearman"] == {name: found["rho"] for name, found in summary["spearman"].items()}
        assert shown["phase_spearman"] == {
            name: {stretch: part["rho"] for stretch, part in parts.items()}
            for name, parts in summary["phase_spearman"].items()
        }
        assert shown["turning_point"] == summary["turning_point"]
    (group,) = content["groups"]
    analysis = analyse_group(*group_runs(loaded))
    assert group["intervals"] == json.loads(json.dumps(analysis["intervals"]))
    assert group["phases"]["trough"] == analysis["phases"]["levels"][analysis["phases"]["trough"]]
    assert group["phases"]["peak"] == analysis["phases"]["levels"][analysis["phases"]["peak"]]
    assert group["correlations"]["distance"]["within"] == analysis["correlations"]["distance"]["pooled"]["within"]
    for stretch, found in analysis["correlations"]["distance"]["phases"].items():
        assert group["correlations"]["distance"][stretch] == found["pooled"]["within"]
    assert group["turning_point"]["levels_from_trough"] == analysis["turning_point"]["levels_from_trough"]
    assert (group["turning_point"]["turning"], group["turning_point"]["seeds"]) == (4, 4)


def test_every_folder_is_in_the_table_once(tmp_path):
    content = content_of(every_state(tmp_path / "runs"))
    names = [run["name"] for run in content["runs"]]
    assert len(names) == len({*names}) == 10
    assert content["counts"] == {"finished": 1, "unfinished": 1, "started": 2, "damaged": 5, "other": 1}
    assert sum(bool(run["level"]) for run in content["runs"]) == 4
    assert len({run["id"] for run in content["runs"]}) == 10


def test_settings_are_those_shared_and_those_in_which_runs_differ(tmp_path):
    make_run(tmp_path / "a", 0, **{"data.noise_rate": 0.2, "trainer.limit": 1})
    make_run(tmp_path / "b", 1, **{"data.noise_rate": 0.4, "trainer.limit": True, "only.here": 5})
    make_run(tmp_path / "c", 2, finished=False)
    (tmp_path / "c" / "curve.csv").unlink()
    content = content_of(tmp_path)
    assert content["differing"] == ["data.noise_rate", "only.here", "trainer.limit"]
    for run in content["runs"]:
        whole = json.loads((tmp_path / run["name"] / "settings.json").read_text())["values"]
        assert content["shared"] | run["settings"] | {"seed_everything": run["seed"]} == whole
        assert run["configured"]


def test_a_folder_of_unknown_settings_is_not_given_those_of_others(tmp_path):
    content = content_of(every_state(tmp_path))
    assert {name for name, run in by_name(content).items() if not run["configured"]} == {
        "bad-settings",
        "claimed",
        "no-settings",
        "pictures",
    }


def test_copies_are_listed_but_not_in_the_mean(tmp_path):
    for name in ("one", "two"):
        make_run(tmp_path / name, 0)
    content = content_of(tmp_path)
    assert [run["repeated"] for run in content["runs"]] == [False, True]
    assert len(content["groups"][0]["runs"]) == 1


def test_loss_curves_are_mean_and_spread_over_directions(tmp_path):
    run = full_run(tmp_path / "run", 0, levels=6)
    (entry,) = content_of(run)["runs"]
    points = read_loss_curves(run / "loss_curves.csv")
    assert entry["loss"]["levels"] == list(range(6))
    assert entry["loss"]["directions"] == [5] * 6
    for level in range(6):
        for place, alpha in enumerate(entry["loss"]["alpha"]):
            losses = [point.loss for point in points if (point.level, point.alpha) == (level, alpha)]
            assert entry["loss"]["mean"][level][place] == pytest.approx(np.mean(losses), rel=5e-4)
            assert entry["loss"]["sd"][level][place] == pytest.approx(np.std(losses, ddof=1), rel=0.05, abs=1e-12)


def test_damaged_side_files_cost_only_themselves(tmp_path):
    run = full_run(tmp_path / "run", 0, levels=6)
    (run / "loss_curves.csv").write_text("level\n")
    (run / "environment.json").write_text("{")
    (entry,) = content_of(run)["runs"]
    assert entry["state"] == "finished"
    assert entry["loss"] is None
    assert len(entry["notes"]) == 2


def test_runs_of_one_sparsity_each_are_one_curve_a_seed_with_its_folders(tmp_path):
    for seed in (0, 1):
        for share in SHARES:
            make_part(tmp_path / "runs", seed, share, finished=(seed, share) != (1, 0.9))
    content = content_of(tmp_path / "runs", out=tmp_path / "report.html")
    whole, partial = content["runs"]
    assert (whole["state"], partial["state"]) == ("finished", "unfinished")
    assert "0.9" in partial["reason"]
    assert whole["sparsity"] == [0.0, *SHARES]
    assert [part["sparsity"] for part in partial["parts"]] == SHARES
    assert [part["state"] for part in partial["parts"]].count("unfinished") == 1
    assert all((tmp_path / part["href"]).is_dir() for run in content["runs"] for part in run["parts"])
    assert content["counts"]["finished"] == 11


def test_links_lead_from_the_page_to_the_folder(tmp_path):
    make_run(tmp_path / "runs" / "a run #1", 0)
    content = content_of(tmp_path / "runs", out=tmp_path / "pages" / "report.html")
    assert content["runs"][0]["href"] == "../runs/a%20run%20%231/"


def test_names_stay_when_runs_come_to_a_group(sweep):
    before = content_of(sweep)
    full_run(sweep / "r0.2-s9", 9, levels=8, **{"data.noise_rate": 0.2})
    after = content_of(sweep)
    assert [group["id"] for group in after["groups"]] == [group["id"] for group in before["groups"]]
    assert {run["id"] for run in before["runs"]} < {run["id"] for run in after["runs"]}


def test_200_runs_with_flatness_and_loss_curves_are_less_than_10_megabytes(tmp_path):
    first = full_run(tmp_path / "first", 0, loss_points=21)
    content = content_of(first)
    (entry,) = content["runs"]
    group = content["groups"][0]
    values = {name: dict.fromkeys(("mean", "sd"), held) | {"n": [3] * 35} for name, held in entry["values"].items()}
    content["runs"] = [entry | {"sparsity": 0}] * 200
    content["groups"] = [group | {"values": values, "sparsity": 0}] * 67
    assert len(page_html(content).encode()) < 10e6
