import math

import pytest
import torch

from sdd.errors import UserError
from sdd.pruning.prune import prune
from sdd.pruning.schedules import OfRemaining
from sdd.pruning.scopes import SCOPES, Group, Scope, Surviving, groups_of

MASKS = {"a": torch.ones(10, dtype=torch.bool), "b": torch.ones(7, dtype=torch.bool)}
SCORES = {"a": torch.arange(10.0), "b": torch.arange(7.0) + 100}


def pruned(name, target=0.3, **arguments):
    target = OfRemaining(target)
    return prune(SCORES, MASKS, groups_of(name, SCOPES.get(name, arguments), Surviving(MASKS, target)))


def test_layer_scope_counts_in_each_tensor():
    by_layer = pruned("layer")
    assert by_layer["a"].tolist() == [False] * 3 + [True] * 7
    assert by_layer["b"].tolist() == [False] * 3 + [True] * 4
    together = pruned("global")
    assert together["a"].tolist() == [False] * 6 + [True] * 4
    assert together["b"].tolist() == [True] * 7


def test_each_layer_loses_its_own_rate_and_the_others_what_the_schedule_says():
    rates = pruned("rates", rates={"b": 0.5})
    assert (int(rates["a"].sum()), int(rates["b"].sum())) == (10 - 3, 7 - 4)
    both = pruned("rates", rates={"?": 0.1})
    assert (int(both["a"].sum()), int(both["b"].sum())) == (10 - 1, 7 - 1)
    assert bool(pruned("rates", rates={"a": 0.0})["a"].all())


def test_rates_are_of_what_remains_whatever_the_schedule():
    masks = {"a": torch.arange(10) < 6, "b": torch.ones(7, dtype=torch.bool)}
    groups = groups_of("rates", SCOPES.get("rates", {"rates": {"a": 0.3}}), Surviving(masks, 0.9))
    assert [(list(group.names), group.count) for group in groups] == [
        (["a"], math.ceil(0.3 * 6)),
        (["b"], math.ceil(0.9 * 7)),
    ]


@pytest.mark.parametrize(
    ("rates", "word"),
    [
        ({"c": 0.1}, "'c' matches no prunable weight; there are: a, b"),
        ({"a": 1.0}, "a has 1.0"),
        ({"a": -0.1}, "a has -0.1"),
        ({"a": "much"}, r"rates is \{'a': 'much'\}; rates takes Mapping"),
        ({"a": float("nan")}, "a has nan"),
        ({"a": 0.1, "*": 0.2}, r"a is named by 'a' and by '\*'"),
        (0.1, "rates is 0.1; rates takes Mapping"),
    ],
)
def test_impossible_rates_are_refused_in_one_line(rates, word):
    with pytest.raises(UserError, match=word) as caught:
        pruned("rates", rates=rates)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "word"),
    [
        ([Group(["a"], 1)], "b in 0 groups"),
        ([Group(["a", "b"], 1), Group(["a"], 1)], "a in 2 groups"),
        ([Group(["a", "b", "c"], 1)], "c in 1 groups"),
        ([Group(["a", "b"], 18)], "from 0 to the 17"),
        ([Group(["a", "b"], -1)], "from 0"),
        ([Group(["a", "b"], 1.5)], "whole number"),
    ],
)
def test_groups_that_do_not_fit_are_refused_with_the_scopes_name(groups, word):
    with pytest.raises(UserError, match=rf"^pruning\.scope my\.own .*{word}") as caught:
        groups_of("my.own", Scope(lambda _: groups), Surviving(MASKS, 0.5))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "word"), [(None, "NoneType"), (["a"], "str")])
def test_a_scope_that_gives_no_groups_is_refused_with_its_name(given, word):
    surviving = Surviving({"a": torch.ones(4, dtype=torch.bool)}, OfRemaining(0.5))
    with pytest.raises(UserError, match=f"scope mine gives a {word}; it must be a list of Group"):
        groups_of("mine", Scope(lambda surviving: given), surviving)


def test_a_scope_that_writes_into_masks_changes_none():
    def ruin(surviving):
        groups = [Group(list(surviving.masks), surviving.to_remove(list(surviving.masks)))]
        for mask in surviving.masks.values():
            mask.fill_(False)
        return groups

    masks = {"a": torch.ones(10, dtype=torch.bool)}
    (group,) = groups_of("mine", Scope(ruin), Surviving(masks, OfRemaining(0.5)))
    assert group.count == 5
    assert bool(masks["a"].all())


def test_weights_that_are_also_counted_make_the_levels_of_the_authors_code():
    """LeNet-300-100: at level 24 their code has 250 of the weights outside the output layer left.

    It removes one more at each level, of which four and a bit are left of a sum of 0.8 ** k.
    """
    counts = [265_200]
    for _ in range(24):
        masks = {"a": torch.arange(265_200) < counts[-1]}
        (group,) = groups_of("global", SCOPES.get("global", {"also_counted": 1000}), Surviving(masks, OfRemaining(0.2)))
        assert group.count == math.ceil((counts[-1] + 1000) / 5)
        counts.append(counts[-1] - group.count)
    assert counts[-1] == 255
    assert counts[-1] - 250 == pytest.approx(sum(0.8**k for k in range(24)), abs=1)


@pytest.mark.parametrize(("target", "gone"), [(0.5, 9), (0.8, 15), (1.0, 17)])
def test_what_is_also_counted_never_makes_more_go_than_remain(target, gone):
    (group,) = groups_of("global", SCOPES.get("global", {"also_counted": 1}), Surviving(MASKS, target))
    assert group.count == gone


def test_what_is_also_counted_cannot_be_negative():
    with pytest.raises(UserError, match="also_counted is -1; it must be at least 0"):
        groups_of("global", SCOPES.get("global", {"also_counted": -1}), Surviving(MASKS, 0.5))
