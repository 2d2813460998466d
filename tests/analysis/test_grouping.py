"""Runs by their settings: labels, what a run lacks, which one of several copies is used."""

import shutil
from pathlib import Path

import pytest

from sdd.analysis.grouping import group_runs
from sdd.analysis.reading import Run, read_run, read_runs, read_together
from sdd.errors import UserError
from tests.analysis.test_comparison import LEVELS, make_run


def run(name, seed=0, levels=3, finished=True, **settings):
    held = {"seed_everything": seed} | settings
    return Run(Path(name), name, held, held, ({},) * levels, finished, None)


def test_labels_are_as_short_as_tells_groups_apart():
    runs = [
        run("a", **{"data.noise_rate": 0.2, "model.lr": 1, "z": 1}),
        run("b", **{"data.noise_rate": 0.4, "model.lr": 2, "z": 1}),
        run("c", **{"data.noise_rate": 0.4, "model.lr": 3, "z": 1}),
    ]
    groups = group_runs(runs)
    assert [group.label for group in groups] == [
        "data.noise_rate=0.2, model.lr=1",
        "data.noise_rate=0.4, model.lr=2",
        "data.noise_rate=0.4, model.lr=3",
    ]
    assert groups[1].differing == {"data.noise_rate": 0.4, "model.lr": 2}
    assert [group.label for group in group_runs(runs[:2])] == ["data.noise_rate=0.2", "data.noise_rate=0.4"]
    assert group_runs([run("a", **{"data.dataset": "digits"})])[0].label == "data.dataset=digits"


def test_a_setting_that_one_group_lacks_tells_it_apart():
    first, second = group_runs([run("a", x=1), run("b")])
    assert (first.label, second.label) == ("x=1", "x=null")


def test_of_copies_the_finished_and_longest_is_used():
    (group,) = group_runs([run("short", levels=2), run("open", levels=9, finished=False), run("long", levels=5)])
    assert [one.name for one in group.runs] == ["long"]
    assert {one.name for one in group.repeated} == {"short", "open"}


def test_runs_on_masks_of_different_runs_are_one_group_and_not_copies():
    masks = [run(name, seed=7, **{"pruning.masks_from": f"runs/{name}"}) for name in "ab"]
    (group,) = group_runs(masks)
    assert len(group.runs) == 2
    assert group.settings["pruning.masks_from"] == "given"


def test_seeds_with_teachers_of_their_own_are_one_group_and_other_teachers_another():
    teachers = ["runs/wide-s{}", "runs/mlp-s{}-0123456{}", "runs/narrow-0.{{seed}}", "auto", "runs/one"]
    runs = [
        run(f"{number}-{seed}", seed=seed, **{"model.distill_from": teacher.format(seed, seed)})
        for number, teacher in enumerate(teachers)
        for seed in (1, 2)
    ]
    groups = group_runs(runs)
    assert [sorted(one.name for one in group.runs) for group in groups] == [[f"{k}-1", f"{k}-2"] for k in range(5)]


@pytest.mark.parametrize(
    ("settings", "finished", "problem"),
    [
        ({}, True, None),
        ({"pruning.sparsities": [0.5, 0.9]}, True, None),
        ({"pruning.levels": 30}, True, f"marked as finished, but its curve.csv holds only {LEVELS} of its 31 levels"),
        ({"pruning.sparsities": [0.1] * 24}, False, f"unfinished, with {LEVELS} of its 25 levels"),
        ({"pruning.masks_from": "runs/x", "pruning.levels": 30}, False, f"unfinished, with {LEVELS} levels"),
        ({"pruning.levels": None}, False, f"unfinished, with {LEVELS} levels"),
    ],
)
def test_what_a_run_lacks(tmp_path, settings, finished, problem):
    assert read_run(make_run(tmp_path / "run", 0, finished=finished, **settings)).problem == problem


def test_a_folder_named_twice_counts_once_and_a_damaged_one_costs_no_other(tmp_path):
    good = make_run(tmp_path / "good", 0)
    shutil.copytree(good, tmp_path / "bad")
    (tmp_path / "bad" / "settings.json").write_text("{")
    loaded = read_runs([tmp_path, good, tmp_path / "." / "good"])
    assert [one.name for one in loaded.runs] == ["good"]
    assert len(loaded.problems) == 1
    assert "bad" in loaded.problems[0]


def test_a_file_or_a_folder_of_something_else_is_no_run(tmp_path):
    (tmp_path / "file").write_text("x")
    for path, words in ((tmp_path / "file", "is a file"), (tmp_path, "is no run: it holds file")):
        with pytest.raises(UserError, match=words):
            read_run(path)


def test_groups_come_by_rising_numbers_and_words_as_they_come():
    runs = [run(f"{rate}{kind}", rate=rate, kind=kind) for kind in ("b", "a") for rate in (0.2, 1, 0.0, 0.4)]
    found = [(group.settings["kind"], group.settings["rate"]) for group in group_runs(runs)]
    assert found == [(kind, rate) for kind in ("b", "a") for rate in (0.0, 0.2, 0.4, 1)]


def version(name, seed=0, chosen=None, **defaults):
    """A run whose settings are those chosen and the defaults of its version."""
    chosen = chosen or {}
    return Run(Path(name), name, {"seed_everything": seed} | defaults | chosen, chosen, ({},), True, None)


def grouped(runs):
    return group_runs(read_together(runs))


def test_an_option_that_a_version_lacks_is_at_its_default_there():
    old, new = version("old", 0, {"rate": 1}), version("new", 1, {"rate": 1}, added=5)
    (group,) = grouped([old, new])
    assert ([run.name for run in group.runs], group.differing) == (["old", "new"], {})
    chosen = version("chosen", 2, {"rate": 1, "added": 6})
    first, second = grouped([old, new, chosen])
    assert (first.label, second.label) == ("added=5", "added=6")
    assert [run.name for run in first.runs] == ["old", "new"]


def test_a_default_with_several_values_parts_runs_and_tells_them_apart():
    old, new = version("old", 0, {"rate": 1}, decay=0.0), version("new", 1, {"rate": 1}, decay=0.1)
    first, second = grouped([old, new])
    assert (first.label, second.label) == ("decay=0.0", "decay=0.1")
    assert (first.differing, second.differing) == ({"decay": 0.0}, {"decay": 0.1})
    # Whoever chose today's default is with those that have it.
    said = version("said", 2, {"rate": 1, "decay": 0.1})
    assert [len(group.runs) for group in grouped([old, new, said])] == [1, 2]


def test_a_group_is_known_by_the_same_name_whichever_runs_are_read_with_it():
    small = version("small", 0, {"net.class_path": "A"}, **{"net.init_args.depth": 3})
    large = version("large", 0, {"net.class_path": "B"}, **{"net.init_args.depth": 9, "net.init_args.width": 2})
    (alone,), both = grouped([small]), grouped([small, large])
    assert alone.identity == both[0].identity == {"net.class_path": "A"}
    assert "net.init_args.width" not in both[0].settings, "an argument of another class is not given to it"


def test_a_class_in_the_place_of_null_is_no_lack():
    none = version("none", 0, {}, scheduler=None)
    step = version("step", 0, {"scheduler.class_path": "Step"}, **{"scheduler.init_args.gamma": 0.1})
    first, second = grouped([none, step])
    assert (first.settings, "scheduler" in second.settings) == ({"scheduler": None}, False)
