"""The grid, against W&B's own engine."""

import itertools
import string
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdd.errors import UserError
from sdd.sweep.grid import cells_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the engine is older than its Pydantic
    from sweeps.grid_search import grid_search_next_runs

names = st.from_regex(r"[a-c_][a-c_.]{0,3}", fullmatch=True)
scalars = st.one_of(
    st.booleans(), st.integers(-3, 3), st.floats(-2, 2), st.text(string.ascii_letters + " ", max_size=3)
)
values = st.one_of(scalars, st.lists(scalars, max_size=3))
leaf = st.one_of(
    st.fixed_dictionaries({"value": values}, optional={"distribution": st.just("constant")}),
    st.fixed_dictionaries(
        {"values": st.lists(values, min_size=1, max_size=3)}, optional={"distribution": st.just("categorical")}
    ),
)
parameters = st.dictionaries(
    names,
    st.one_of(leaf, st.fixed_dictionaries({"parameters": st.dictionaries(names, leaf, min_size=1, max_size=2)})),
    min_size=1,
    max_size=3,
)


def engine_cells(section):
    """Return the cells that the engine hands out until it has no more, each as an agent gets it."""
    runs = grid_search_next_runs([], {"method": "grid", "parameters": section}, n=10_000)
    assert runs[-1] is None
    return [{name: given["value"] for name, given in run.config.items()} for run in runs[:-1]]


def exactly(cells):
    """Tell 1 from 1.0 and True, and one order of names from another."""
    return [repr(cell) for cell in cells]


@settings(deadline=None)
@given(parameters)
def test_the_cells_are_those_of_the_engine_of_wandb_in_its_order(section):
    assert exactly(cells_of(section)) == exactly(engine_cells(section))


def test_the_grid_is_the_product_with_the_last_name_changing_fastest():
    section = {"seed": {"values": [0, 1]}, "rate": {"values": [0.2, 0.4]}, "kind": {"value": "x"}}
    expected = [{"kind": "x", "rate": rate, "seed": seed} for rate, seed in itertools.product([0.2, 0.4], [0, 1])]
    assert cells_of(section) == expected


def test_a_value_that_is_listed_twice_counts_once_and_equal_numbers_of_two_types_are_two():
    assert cells_of({"a": {"values": [1, 1, True, 1.0, 1]}}) == [{"a": 1}, {"a": True}, {"a": 1.0}]


def test_nested_parameters_become_nested_values():
    section = {"data": {"parameters": {"noise_rate": {"values": [0.2, 0.4]}, "train_size": {"value": 100}}}}
    assert cells_of(section) == [{"data": {"noise_rate": rate, "train_size": 100}} for rate in (0.2, 0.4)]


def test_a_cell_does_not_share_its_nested_values_with_another():
    first, second = cells_of({"data": {"parameters": {"a": {"values": [1, 2]}}}})
    first["data"]["a"] = 7
    assert second == {"data": {"a": 2}}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (None, "parameters is empty"),
        ([1], "parameters is [1]"),
        ({3: {"value": 1}}, "key 3"),
        ({"a": 5}, "a is 5; write a: {value: …} or {values: […]}"),
        ({"a": None}, "a is empty"),
        ({"a": {}}, "a needs a list of values"),
        ({"a": {"values": []}}, "a needs a list of values"),
        ({"a": {"values": 3}}, "a needs a list of values"),
        ({"a": {"values": [1], "value": 1}}, "a has value"),
        ({"a": {"min": 0, "max": 3}}, "a has max, min"),
        ({"a": {"distribution": "uniform", "min": 0.0, "max": 1.0}}, "a has max, min"),
        ({"a": {"mu": 0, "sigma": 1, "distribution": "normal"}}, "a has mu, sigma"),
        ({"a": {"values": [1, 2], "probabilities": [0.5, 0.5]}}, "a has probabilities"),
        ({"a": {"values": [1, 2], "distribution": "q_uniform"}}, "distribution q_uniform"),
        ({"a": {"value": 1, "distribution": "categorical"}}, "distribution categorical"),
        ({"a": {"parameters": {"b": {"min": 1, "max": 2}}}}, "a.b has max, min"),
        ({"a": {"parameters": {"b": {"value": 1}}, "value": 1}}, "a has value"),
        ({"a": {"parameters": 1}}, "a.parameters is 1"),
        ({"a": {"value": None}}, 'write "null"'),
        ({"a": {"values": [[0.5, None]]}}, 'write "null"'),
        ({"a": {"value": {"b": None}}}, "a.b has the value null"),
        ({"a": {"value": b"x"}}, "a has the value b'x' (bytes)"),
    ],
)
def test_what_is_no_finite_grid_is_refused_in_one_line(section, said):
    with pytest.raises(UserError) as error:
        cells_of(section)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_line_about_a_distribution_names_wandb():
    with pytest.raises(UserError, match="wandb sweep FILE, then wandb agent"):
        cells_of({"model.optimizer.lr": {"min": 0.001, "max": 0.1}})
