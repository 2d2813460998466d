"""RESULTS.md, its figures and README's sentences are what the kept runs say."""

import re
from pathlib import Path

import numpy as np
import pytest

import sdd
from results.evidence import FOLDER, Evidence
from results.figures import FIGURES, draw
from results.page import PAGE, page
from results.readme import passages
from results.wording import Text
from sdd.__main__ import main
from sdd.analysis.drawing import picture_pixels
from sdd.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def evidence():
    return Evidence()


def test_every_number_of_the_page_is_one_of_the_kept_runs(evidence):
    assert page(evidence) == (ROOT / PAGE).read_text(encoding="utf-8"), "make results FROM=docs/results/runs"


@pytest.mark.parametrize("name", ["printout", "picture", "seeds", "found"])
def test_what_readme_says_was_found_is_in_the_kept_runs(evidence, name):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = passages(evidence)[name]
    assert said in (readme if name == "printout" else " ".join(readme.split()))


@pytest.mark.slow
def test_the_runs_of_the_papers_sizes_are_as_many_as_the_page_says(capsys):
    assert main(["reproduce", "--list", "--scale", "paper"]) == 0
    page_says = r"counts (\d+) runs of ([\d,]+) epochs, or (\d+) years of two CPU cores"
    ((runs, epochs, years),) = re.findall(page_says, (ROOT / PAGE).read_text(encoding="utf-8"))
    last = capsys.readouterr().out.splitlines()[-1]
    found = re.match(r"(\d+) of \d+ runs to do: ([\d,]+) epochs, about ([\d,]+) days on two x86-64 cores", last)
    assert found is not None
    assert found[1] == runs
    assert found[2] == epochs
    assert int(found[3].replace(",", "")) // 365 == int(years)


def test_a_curve_that_is_named_by_its_noise_rate_has_it(evidence):
    named = [(task, name) for task in evidence.tasks for name in evidence.names(task) if name.startswith("rate_")]
    assert len(named) > 8
    for task, name in named:
        assert evidence.curve(task, name).is_set({"data.noise_rate": int(name.removeprefix("rate_")) / 100})


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_drawn_again_as_it_is(evidence, tmp_path, name):
    draw(evidence, tmp_path, name)
    ours, theirs = (picture_pixels(folder / f"{name}.png") for folder in (tmp_path, ROOT / "docs" / "results"))
    assert ours.shape == theirs.shape
    assert (np.abs(ours.astype(int) - theirs) > 8).any(axis=-1).mean() < 1e-3, "other fonts aside, pixel by pixel"


def test_every_figure_is_shown_and_there_is_no_other(evidence):
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    shown = {name for name in FIGURES if f"(docs/results/{name}.png)" in text}
    assert shown == {path.stem for path in (ROOT / "docs" / "results").glob("*.png")}


def test_the_costs_in_readme_are_those_of_the_table():
    costs = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    rows = {
        "digits, 35 levels of 50 epochs": "digits, a run of 35 levels of 50 epochs, dense",
        "MNIST, 6,000 images, 31 levels of 8 epochs": "mnist_lenet, 6,000 images, 31 levels of 8 epochs, auto",
        "ResNet-18 of width 16, 640 images": "ResNet-18 of width 16, 640 images, channels_last",
    }
    for line in re.findall(r"\| (.+) by hand \| (.+) \|", (ROOT / "README.md").read_text(encoding="utf-8")):
        name = rows.pop(next(row for row in rows if line[0].startswith(row)))
        (found,) = [one.split(":")[1].split() for one in costs.splitlines() if one.startswith(f"{name} :")]
        bare, ours = [float(word) for word in found if re.fullmatch(r"[\d.]+", word)][:2]
        said = [float(word) for word in line[1].split(", ")]
        assert said == pytest.approx([ours, bare], rel=0.01)
    assert not rows


def test_a_sentence_that_the_numbers_do_not_bear_out_is_refused():
    text = Text()
    text.say("1 is less than 2.", 1 < 2)
    with pytest.raises(UserError, match="do not show what the page would say: 2 is less than 1"):
        text.say("2 is less than 1.", 2 < 1)
    assert text.content == "1 is less than 2.\n"


def test_load_runs_and_the_report_open_the_kept_tables(tmp_path):
    table = sdd.load_runs([FOLDER / "digits" / "base-s0", FOLDER / "digits" / "base-s1"])
    assert len(table) == 2 * 35
    assert main(["report", str(FOLDER / "digits" / "base-s0"), "--out", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").stat().st_size > 100_000
