"""The runs of the 49 figures at the paper's scale are those of its captions."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sdd.errors import UserError
from sdd.reproduce.figures import FIGURES
from sdd.reproduce.runs import Override, cells_of, measures_of, plan_figures
from sdd.reproduce.scales import read_scale
from sdd.reproduce.titles import shown, subtitle
from tests.reproduce.captions import NETWORKS, RECIPES, RUNS
from tests.small import PROJECT

PAPER = read_scale("paper")
NOWHERE = Path("nowhere")
NAMES = {
    ("mnist", "sdd.models.MLP"): "MNIST LeNet-300-100",
    ("cifar10", "sdd.models.ResNet"): "CIFAR-10 ResNet-18",
    ("cifar100", "sdd.models.ResNet"): "CIFAR-100 ResNet-18",
    ("cifar10", "sdd.models.VGG"): "CIFAR-10 VGG-16",
    ("cifar100", "sdd.models.VGG"): "CIFAR-100 VGG-16",
    ("image_folder", "sdd.models.ResNet"): "Tiny ImageNet ResNet-101",
}


def _retraining(values):
    mode = values["pruning.retrain"]
    if mode == "redense":
        return f"re-dense at {values['pruning.redense_lr']}"
    if mode == "scratch" and values["pruning.masks_from"] is not None:
        return "re-initialised"
    return "sparse" if mode == "lottery" else mode


def _as_in_a_caption(values):
    """What a run was trained on and how, as `captions` says it."""
    noise = {"uniform": "symmetric"}.get(values["data.noise_type"], values["data.noise_type"])
    where = NAMES[values["data.dataset"], values["model.net.class_path"]]
    rate = round(100 * values["data.noise_rate"])
    return where, noise, rate, values["pruning.criterion"], _retraining(values)


def _check_recipe(where, values, levels):
    recipe = RECIPES[where]
    kind, arguments = NETWORKS[where]
    assert values["model.net.class_path"] == kind
    for name, value in arguments.items():
        assert values[f"model.net.init_args.{name}"] == value
    name, rate, momentum, decay = recipe["optimizer"]
    assert values["model.optimizer.class_path"] == f"torch.optim.{name}"
    found = [values[f"model.optimizer.init_args.{part}"] for part in ("lr", "momentum", "weight_decay")]
    assert found == [rate, momentum, decay]
    assert values["pruning.epochs_per_level"] == recipe["epochs"]
    assert values["data.batch_size"] == recipe["batch"]
    assert values["data.augment"] == recipe["augment"]
    assert values["pruning.rewind_steps"] == recipe["rewind"]
    assert values["pruning.exclude"] == recipe["left whole"]
    assert values["pruning.finetune_lr"] == recipe["finetune"]
    assert values["pruning.scope"] == "global"
    assert values["data.train_size"] is None
    per_epoch = 1 if values["model.lr_interval"] == "epoch" else 196
    milestones = values.get("model.lr_scheduler.init_args.milestones")
    assert milestones == (recipe["milestones"] and [per_epoch * at for at in recipe["milestones"]])
    if recipe["sparsities"] is None:
        assert values["pruning.fraction"] == 0.2
        assert levels == 31


def _check_caption(number, planned):
    wanted, seeds = Counter(), {}
    for run in RUNS[number]:
        recipe = RECIPES[run[0]]
        wanted[run] += recipe["seeds"] * len(recipe["sparsities"] or [None])
        seeds[run] = set(range(recipe["seeds"]))
    found, found_seeds, sparsities = Counter(), {}, set()
    for run in planned.of(FIGURES[str(number)]):
        values = run.settings.values
        caption = _as_in_a_caption(values)
        found[caption] += 1
        found_seeds.setdefault(caption, set()).add(values["seed_everything"])
        _check_recipe(caption[0], values, run.levels)
        sparsities |= set(values["pruning.sparsities"] or [])
    assert found == wanted
    assert found_seeds == seeds
    assert sorted(sparsities) == pytest.approx(RECIPES[RUNS[number][0][0]]["sparsities"] or [], abs=1e-12)


def test_the_runs_of_a_figure_are_those_of_its_caption():
    figures = [FIGURES[str(number)] for number in (45,)]
    planned = plan_figures(figures, PAPER, NOWHERE)
    assert planned.invalid == ()
    for figure in figures:
        _check_caption(int(figure.name), planned)


@pytest.mark.slow
def test_the_runs_of_every_figure_are_those_of_its_caption():
    planned = plan_figures(FIGURES.values(), PAPER, NOWHERE)
    assert planned.invalid == ()
    for number in RUNS:
        _check_caption(number, planned)


def test_all_49_figures_are_there():
    assert list(FIGURES) == [str(number) for number in range(1, 50)]
    assert set(RUNS) == set(range(1, 50))


def test_a_run_measures_the_same_whichever_figure_asks_for_it():
    """Figures 3 and 26 want nothing but the curve, figure 36 the epochs of the run that figure 2 draws."""
    experiment = FIGURES["2"].plots[0].experiment
    assert experiment in FIGURES["36"].experiments
    assert measures_of(experiment) == {"dynamics.levels": "all"}
    grown = FIGURES["8"].plots[0].experiment
    assert measures_of(grown) == {"dynamics.levels": "all", "flatness.loss_curves": True, "flatness.space": "full"}
    assert measures_of(FIGURES["13"].plots[1].experiment) == {}


def test_runs_come_after_those_that_they_are_trained_from():
    planned = plan_figures([FIGURES["40"]], read_scale("digits"), NOWHERE)
    assert [run.settings.values["pruning.retrain"] for run in planned.runs] == ["lottery"] * 2 + ["redense"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "reduced"])
def test_every_run_of_a_scale_can_be_made(name):
    """At the paper's, the test of the captions says so."""
    scale = read_scale(name)
    one_seed = {task: replace(one, seeds=one.seeds[:1]) for task, one in scale.tasks.items()}
    assert plan_figures(FIGURES.values(), replace(scale, tasks=one_seed), NOWHERE).invalid == ()


def test_settings_of_ones_own_reach_the_runs_of_their_task_alone():
    overrides = [Override.of_text("cifar10_resnet18:data.root=~/images"), Override.of_text("threads=2")]
    for figure, root in (("4", "~/images"), ("9", None)):
        (cell, *_) = cells_of(FIGURES[figure].plots[0].experiment, PAPER, overrides)
        given = dict(argument.removeprefix("--").split("=", 1) for argument in cell.arguments[3:])
        assert (given.get("data.root"), given["threads"]) == (root, "2")


@pytest.mark.parametrize(
    ("text", "said"),
    [("threads", "NAME=VALUE"), ("=3", "NAME=VALUE"), ("mnist:threads=1", "there is no task mnist; there are")],
)
def test_what_is_no_setting_of_ones_own_is_refused(text, said):
    with pytest.raises(UserError, match=said):
        Override.of_text(text)


def _scale_file(tmp_path, change):
    content = yaml.safe_load((PROJECT / "sdd/reproduce/scales/digits.yaml").read_text())
    change(content)
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(content))
    return str(tmp_path / "own.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda scale: scale["tasks"].pop("mnist_lenet"), "lacks task mnist_lenet"),
        (lambda scale: scale["tasks"].update(svhn={"config": "x", "seeds": [0], "seconds_per_epoch": 1}), "svhn"),
        (lambda scale: scale["tasks"]["mnist_lenet"].update(seeds=[]), "seeds is \\[\\]"),
        (lambda scale: scale["tasks"]["mnist_lenet"].update(epochs=3), "unknown key 'epochs'"),
        (lambda scale: scale["tasks"]["mnist_lenet"].update(seconds_per_epoch=0), "seconds_per_epoch is 0"),
        (
            lambda scale: scale["tasks"]["mnist_lenet"].update(seconds_per_epoch=float("nan")),
            "seconds_per_epoch is nan",
        ),
        (lambda scale: scale["tasks"]["mnist_lenet"].update({7: 1, "x": 2}), "unknown key 7"),
        (lambda scale: scale["tasks"].update({7: dict(scale["tasks"]["mnist_lenet"])}), "names the unknown task 7"),
        (
            lambda scale: scale["tasks"]["mnist_lenet"]["settings"].update(seed_everything=9),
            "settings has seed_everyth",
        ),
        (lambda scale: scale["tasks"]["mnist_lenet"].pop("config"), "needs config"),
        (lambda scale: scale.pop("tasks"), "holds no scale"),
        (lambda scale: scale.update(machin="mine"), "unknown key 'machin'"),
        (lambda scale: scale.pop("about"), "about is None; it must be a text"),
        (
            lambda scale: scale["tasks"]["mnist_lenet"].update(noise_types={"asymetric": "pairflip"}),
            "noise_types has 'asymetric', which no figure has.*did you mean asymmetric",
        ),
        (lambda scale: scale["tasks"]["mnist_lenet"].update(one_shot=[0.5, 1.5]), "one_shot is .*at most 1"),
    ],
)
def test_a_damaged_scale_is_refused_in_one_line(tmp_path, change, said):
    with pytest.raises(UserError, match=said) as caught:
        read_scale(_scale_file(tmp_path, change))
    assert "\n" not in str(caught.value)


def test_an_unknown_scale_is_answered_with_those_there_are():
    with pytest.raises(UserError, match="allowed: digits, reduced, paper, or a file"):
        read_scale("digit")


def test_a_title_says_what_was_really_trained():
    figure, scale = FIGURES["36"], read_scale("digits")
    overrides = [
        Override.of_text("pruning.levels=3"),
        Override.of_text("mnist_lenet:data.noise_seed=2"),
        Override.of_text("data.root=x"),
    ]
    assert subtitle(figure, scale, overrides).splitlines() == [
        "Figure 36 of He et al. 2022: epochs of four levels, CIFAR-10 and CIFAR-100",
        "scale digits: digits, MLP 200-200 with a schedule; digits, MLP 300-200 with a schedule",
        "with pruning.levels 3",
    ]
    assert [plot.title for plot in shown(figure, scale).plots[:2]] == [
        "for CIFAR-10, ε = 20 %",
        "for CIFAR-10, ε = 40 %",
    ]
    assert shown(FIGURES["1"], scale).plots[1].title == "digits, MLP 200-200 with a schedule\n(for CIFAR-10, ResNet-18)"
    assert subtitle(figure, PAPER) == "Figure 36 of He et al. 2022: epochs of four levels, CIFAR-10 and CIFAR-100"
    assert shown(figure, PAPER) == figure
