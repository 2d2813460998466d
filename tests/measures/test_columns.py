"""What a column may be called and coloured, and what follows from the declared columns for others."""

import json

import pytest

from sdd.errors import UserError
from sdd.measures.columns import Column, describe

NORM = Column("norm", "norm of all weights", "ℓ2 norm", "fraction", "#AA3377", better="lower", cost="one pass")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": ""}, "needs a name"),
        ({"label": ""}, "needs a name"),
        ({"colour": "red"}, "column norm: colour is 'red'; it must be #RRGGBB"),
        ({"colour": "#12345"}, "#RRGGBB"),
        ({"better": "smaller"}, "'smaller'; allowed: 'higher', 'lower', ''"),
    ],
)
def test_what_is_not_allowed_is_one_line(arguments, words):
    with pytest.raises(UserError, match=words) as caught:
        Column(**({"name": "norm", "label": "norm"} | arguments))
    assert "\n" not in str(caught.value)


def test_a_column_survives_json_and_passes_over_what_a_later_version_says():
    column = NORM.measured_with(rho=0.05, space=("a", "b"))
    content = json.loads(json.dumps(column.as_dict()))
    assert Column.from_dict(content | {"smell": "none"}) == NORM.measured_with(rho=0.05, space=["a", "b"])
    assert NORM.settings == {}, "the declaration stays as it is"


def test_settings_that_json_does_not_know_are_text():
    class Space:
        def __str__(self):
            return "surviving"

    assert NORM.measured_with(space=Space()).as_dict()["settings"] == {"space": "surviving"}


def test_title_has_the_unit_in_which_values_are_shown():
    assert (NORM.title, NORM.factor) == ("norm of all weights (%)", 100)
    assert (Column("a", "time", unit="s").title, Column("a", "time", unit="s").factor) == ("time (s)", 1)
    assert Column("a", "sharpness").title == "sharpness"


def test_columns_that_follow_from_a_declared_one():
    declared = {"norm": NORM, "wd_before": Column("wd_before", "declared itself")}
    before = describe("norm_before", declared)
    assert (before.label, before.unit, before.shown, before.correlated, before.detail) == (
        "norm of all weights, before training",
        "fraction",
        False,
        False,
        False,
    )
    layer = describe("norm/fc.weight", declared)
    assert (layer.name, layer.label, layer.detail) == ("norm/fc.weight", "norm of all weights, fc.weight", True)
    assert describe("wd_before", declared).label == "declared itself"
    for name in ("other", "other_before", "other/fc.weight", "norm/"):
        assert describe(name, declared) == Column(name, name)
