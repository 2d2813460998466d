"""Names, groups and tags on W&B."""

from hypothesis import given
from hypothesis import strategies as st

from sdd.cli.parse import plan
from sdd.tracking.sweep_agent import swept_values
from sdd.tracking.wandb_run import cell_name, group_name, tags
from tests.small import PROJECT, QUICK


def test_a_cells_name_shows_whole_settings_where_their_last_parts_are_the_same():
    values = {"a.lr": 1, "b.lr": 2, "seed": 0}
    assert cell_name(values) == "a.lr=1,b.lr=2,seed=0"


def test_a_group_is_everything_but_the_seed():
    def group(*arguments, one_shot=False):
        planned = plan([*QUICK, *arguments])
        return group_name(
            planned.config_name,
            planned.settings.chosen,
            swept_values(arguments, planned.settings.values),
            one_shot=one_shot,
        )

    base = group("--data.noise_rate=0.2", "--seed_everything=0")
    assert base.startswith("digits_mlp,noise_rate=0.2-")
    assert group("--data.noise_rate=0.2", "--seed_everything=1") == base
    assert group("--data.noise_rate=0.3", "--seed_everything=0") != base
    # A setting that the sweep did not vary tells groups apart too.
    assert group("--data.noise_rate=0.2", "--pruning.fraction", "0.3") != base
    points = [group(f"--pruning.sparsities=[{share}]", one_shot=True) for share in (0.5, 0.9)]
    assert points[0] == points[1], "the runs of one curve are one group"
    assert group("--pruning.sparsities=[0.5]") != group("--pruning.sparsities=[0.9]")


@given(st.dictionaries(st.text(min_size=1, max_size=60), st.text(max_size=200), max_size=4))
def test_long_values_neither_break_wandbs_limit_nor_make_two_groups_one(values):
    first = group_name("config", {**values, "x": 1}, values, one_shot=False)
    second = group_name("config", {**values, "x": 2}, values, one_shot=False)
    assert len(first) <= 120
    assert first != second


def test_tags_are_data_set_network_and_noise():
    assert tags(plan(QUICK).settings.values) == ["digits", "MLP", "symmetric 0.4"]
    assert tags(plan([*QUICK, "--data.noise_rate", "0"]).settings.values) == ["digits", "MLP", "clean labels"]
    config = str(PROJECT / "configs" / "cifar10_resnet18.yaml")
    assert tags(plan(["fit", "--config", config]).settings.values) == ["cifar10", "ResNet-18", "uniform 0.2"]
