"""What the page is told: the numbers of curve.csv, their means, and what the analysis says of them."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from sdd.analysis.columns import write_columns
from sdd.analysis.compare import analyse_group
from sdd.analysis.curve import read_curve, write_curve
from sdd.analysis.grouping import group_runs
from sdd.analysis.loss_curves import read_loss_curves
from sdd.analysis.reading import read_run, read_runs
from sdd.analysis.summary import finite, summarise
from sdd.analysis.tickets import pair_groups
from sdd.files import table_text
from sdd.measures.columns import Column
from sdd.report.content import report_content
from sdd.report.epochs import NUMBERS, read_epochs
from sdd.report.folders import read_folders
from sdd.report.page import json_inside_html, page_html
from tests.analysis.test_comparison import make_run
from tests.analysis.test_one_shot import SHARES, make_part
from tests.report.made_runs import every_state, full_run


def content_of(*paths, out=Path("report.html")):
    made = report_content(read_folders(paths), title="runs", made="today", out=out, watch=None)
    content = json.loads(json_inside_html(made))
    for run in content["runs"]:
        if run["level"]:
            run |= content["axes"][run["axis"]]
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
        assert run["remaining_fraction"] == [row["remaining_fraction"] for row in rows]
        for name in columns:
            assert run["values"][name] == [row[name] for row in rows]


def test_groups_name_their_runs_by_seed_and_what_labels_are_of(sweep):
    content = content_of(sweep)
    assert [group["label"] for group in content["groups"]] == ["data.noise_rate=0.2", "data.noise_rate=0.4"]
    assert content["named_by"] == ["data.noise_rate"]
    ids = {run["id"]: run["name"] for run in content["runs"]}
    assert [ids[run] for run in content["groups"][0]["runs"]] == ["r0.2-s0", "r0.2-s1", "r0.2-s2"]


def test_a_value_that_is_lacking_or_no_number_is_missing(sweep):
    path = sweep / "r0.2-s0" / "curve.csv"
    rows = read_curve(path)
    rows[3]["test_acc"] = math.nan
    del rows[4]["hessian_top"]
    rows[5]["distance"] = math.inf
    write_curve(path, rows)
    run = by_name(content_of(sweep))["r0.2-s0"]
    assert [index for index, value in enumerate(run["values"]["test_acc"]) if value is None] == [3]
    assert run["values"]["hessian_top"][4] is None
    assert run["values"]["distance"][5] is None


def test_columns_that_were_measured_otherwise_are_numbered_apart(sweep):
    ways = {"r0.2-s0": 5, "r0.2-s1": 9, "r0.2-s2": 5}
    for name, points in ways.items():
        column = Column("sharpness", "sharpness").measured_with(points=points)
        write_columns(sweep / name, [column])
    runs = by_name(content_of(sweep))
    numbers = {name: runs[name]["measured"].get("sharpness") for name in runs}
    assert numbers["r0.2-s0"] == numbers["r0.2-s2"] != numbers["r0.2-s1"]
    assert {numbers[name] for name in numbers if name not in ways} == {None}


def test_winning_tickets_are_compared_as_analyze_does(tmp_path):
    for seed in range(3):
        make_run(tmp_path / f"lottery-{seed}", seed, **{"pruning.retrain": "lottery"})
        masks = {"pruning.masks_from": str(tmp_path / f"lottery-{seed}"), "pruning.retrain": "scratch"}
        make_run(tmp_path / f"scratch-{seed}", seed, **masks)
    lottery, reinit = sorted(group_runs(read_runs([tmp_path]).runs), key=lambda group: group.reinitialised)
    (found,) = content_of(tmp_path)["tickets"]
    expected = finite(pair_groups(lottery, reinit))
    assert len(expected["pairs"]) == 3
    assert found["comparison"] == expected
    shutil.rmtree(tmp_path / "lottery-0")
    for seed in (1, 2):
        shutil.rmtree(tmp_path / f"lottery-{seed}")
    (found,) = content_of(tmp_path)["tickets"]
    assert found["comparison"] is None
    assert "no lottery run" in found["reason"]


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


def test_200_runs_with_flatness_loss_curves_and_epochs_are_less_than_10_megabytes(tmp_path):
    first = full_run(tmp_path / "first", 0, loss_points=21)
    rows = [
        {"level": level, "epoch": epoch} | dict.fromkeys("abcdefgh", (level * 7919 + epoch * 104729) % 99991 / 99991)
        for level in range(35)
        for epoch in range(50)
    ]
    (first / "epochs.csv").write_text(table_text(rows))
    content = content_of(first)
    (entry,) = content["runs"]
    entry["epochs"], _ = read_epochs(read_run(first), NUMBERS // 200)
    content["runs"] = [entry | {"axis": 0}] * 200
    content["groups"] = content["groups"] * 67
    assert len(page_html(content).encode()) < 10e6
