"""The state of each folder."""

import os
import shutil

import pytest

from sdd.report.folders import counts, read_folders, signature
from tests.analysis.test_comparison import make_run
from tests.report.made_runs import every_state

STATES = {
    "bad-settings": ("damaged", False, "settings.json is damaged"),
    "claimed": ("started", False, "has not finished its first level"),
    "cut": ("damaged", False, "curve.csv, line"),
    "finished": ("finished", True, None),
    "no-settings": ("damaged", False, "is no run: it holds a curve.csv but no settings.json"),
    "pictures": ("other", False, "is no run: it holds a.png"),
    "short": ("damaged", True, "marked as finished, but its curve.csv holds only 12 of its 20 levels"),
    "started": ("started", False, "has not finished its first level"),
    "summary": ("damaged", True, "summary.json is damaged"),
    "unfinished": ("unfinished", True, "unfinished, with 12 of its 20 levels"),
}


def test_every_folder_is_there_with_its_state_and_why(tmp_path):
    folders = read_folders([every_state(tmp_path / "runs")])
    assert {folder.path.name for folder in folders} == STATES.keys()
    for folder in folders:
        state, usable, reason = STATES[folder.path.name]
        assert (folder.state, folder.run is not None) == (state, usable), folder
        assert folder.reason is None if reason is None else folder.reason.startswith(reason), folder
        assert folder.failed == (state == "damaged")
        assert "\n" not in (folder.reason or "")
    assert counts(folders) == "1 finished, 1 unfinished, 2 without a level yet, 5 damaged, 1 no run"


def test_settings_of_a_run_without_a_level_are_known(tmp_path):
    by_name = {folder.path.name: folder for folder in read_folders([every_state(tmp_path)])}
    assert by_name["started"].settings["seed_everything"] == 7
    assert by_name["cut"].settings["seed_everything"] == 4
    assert by_name["claimed"].settings == {}


def test_folders_of_sweeps_are_opened_and_none_counts_twice(tmp_path):
    for name in ("a/one", "a/two", "b/one"):
        make_run(tmp_path / "runs" / name, 0)
    (tmp_path / "link").symlink_to(tmp_path / "runs" / "a" / "one")
    folders = read_folders([tmp_path / "runs", tmp_path / "runs" / "a", tmp_path / "link"])
    assert [str(folder.path.relative_to(tmp_path / "runs")) for folder in folders] == ["a/one", "a/two", "b/one"]


def test_what_was_given_but_is_no_run_is_a_failure_and_what_lies_beside_runs_is_not(tmp_path):
    make_run(tmp_path / "runs" / "one", 0)
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "bare").mkdir()
    given = [tmp_path / name for name in ("runs", "missing", "file", "bare")]
    found = {folder.path.name: folder for folder in read_folders(given)}
    assert {name: (folder.state, folder.failed) for name, folder in found.items()} == {
        "empty": ("started", False),
        "one": ("finished", False),
        "missing": ("other", True),
        "file": ("other", True),
        "bare": ("other", True),
    }
    assert found["missing"].reason.startswith("is not there")
    assert found["file"].reason.startswith("is a file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_says_so(tmp_path):
    make_run(tmp_path / "one", 0)
    (tmp_path / "shut").mkdir(mode=0)
    by_name = {folder.path.name: folder for folder in read_folders([tmp_path])}
    assert by_name["shut"].state == "damaged"
    assert "cannot be read" in by_name["shut"].reason


def test_the_signature_changes_with_what_is_shown_and_with_nothing_else(tmp_path):
    make_run(tmp_path / "runs" / "one", 0, levels=3, finished=False)
    seen = [signature([tmp_path / "runs"])]
    (tmp_path / "runs" / "one" / "levels").mkdir()
    (tmp_path / "runs" / "one" / "levels" / "level-000.ckpt").write_text("")
    assert signature([tmp_path / "runs"]) == seen[0]
    make_run(tmp_path / "runs" / "one", 0, levels=4, finished=False)
    seen.append(signature([tmp_path / "runs"]))
    make_run(tmp_path / "runs" / "one", 0, levels=4)
    seen.append(signature([tmp_path / "runs"]))
    make_run(tmp_path / "runs" / "two", 1)
    seen.append(signature([tmp_path / "runs"]))
    (tmp_path / "runs" / "new").mkdir()
    seen.append(signature([tmp_path / "runs"]))
    shutil.rmtree(tmp_path / "runs")
    seen.append(signature([tmp_path / "runs"]))
    assert all(seen[one] != seen[other] for one in range(len(seen)) for other in range(one))
