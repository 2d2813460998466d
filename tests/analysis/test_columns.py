"""What a run's folder says of its columns, and what is known where it says nothing."""

import json

import pytest

from sdd.analysis.columns import (
    FILE,
    built_in,
    columns_of,
    correlated,
    further_measures,
    gone_on_with,
    merged,
    read_columns,
    write_columns,
)
from sdd.analysis.curve import read_curve
from sdd.analysis.reading import read_run
from sdd.errors import UserError
from sdd.measures.columns import Column
from tests.analysis.test_comparison import make_run

NORM = Column("norm", "norm of all weights", unit="weights", colour="#AA3377")
ROWS = [{"level": 0, "sparsity": 0.0, "remaining": 9, "test_acc": 0.5, "norm": 1.0, "val_acc": 0.5, "x": 1.0}]


def test_columns_are_read_as_they_were_written(tmp_path):
    written = [NORM.measured_with(p=2), Column("x", "ℓ2")]
    write_columns(tmp_path, written)
    assert list(read_columns(tmp_path).values()) == written
    assert json.loads((tmp_path / FILE).read_text())["format"] == 1


def test_a_run_holds_the_columns_of_its_rows_as_its_folder_describes_them(tmp_path):
    folder = make_run(tmp_path / "run", 0)
    as_built_in = read_run(folder).columns
    assert list(as_built_in) == list(read_curve(folder / "curve.csv")[0])
    assert as_built_in["test_acc"] == built_in()["test_acc"]
    own = Column("test_acc", "accuracy on held-out images")
    write_columns(folder, [NORM, own])
    assert read_run(folder).columns == {**as_built_in, "test_acc": own}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"columns": 1}',
        '{"columns": [1]}',
        '{"columns": [{"name": "a"}]}',
        '{"columns": [{"name": "a", "label": "a", "colour": "red"}]}',
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=r"columns\.json is damaged") as caught:
        read_columns(tmp_path)
    assert "\n" not in str(caught.value)


def test_columns_of_rows_are_in_the_order_of_the_file_each_from_where_it_is_known():
    found = columns_of(ROWS, {"norm": NORM})
    assert list(found) == ["level", "sparsity", "remaining", "test_acc", "norm", "val_acc", "x"]
    assert found["norm"] == NORM
    assert found["val_acc"] == built_in()["val_acc"]
    assert found["x"] == Column("x", "x")


def test_details_and_parts_are_neither_correlated_nor_drawn():
    row = dict.fromkeys(
        ("distance", "distance_init", "hessian_top", "hessian_top_residual", "distance/fc.weight", "test_acc_before"),
        1.0,
    )
    columns = columns_of([ROWS[0] | row], {"norm": NORM, "x": Column("x", "x", detail=True)})
    assert correlated(columns) == ["distance", "distance_init", "norm", "hessian_top"]
    assert [column.name for column in further_measures(columns)] == ["norm", "hessian_top"]
    assert correlated({}) == ["distance"]


def test_the_run_that_tells_most_says_what_a_column_is_and_of_equals_the_first():
    own, bare = Column("norm", "other"), Column("norm", "norm")
    measured = NORM.measured_with(p=2)
    assert merged([{"norm": bare}, {"norm": NORM}, {"norm": own}]) == {"norm": NORM}
    assert merged([{"norm": NORM}, {"norm": measured}, {"norm": own.measured_with(p=1)}]) == {"norm": measured}


def test_columns_of_several_runs_are_in_the_order_of_the_file():
    names = ("norm", "x", "memorized", "test_acc", "level")
    some, others = ({name: Column(name, name) for name in kept} for kept in (names[:2], names))
    assert list(merged([some, others])) == ["level", "memorized", "test_acc", "norm", "x"]


def test_a_difference_needs_both_to_name_the_setting():
    one = NORM.measured_with(rho=0.05, space="full")
    assert one.measured_otherwise(NORM.measured_with(rho=0.1, space="full")) == ("rho", "0.05", "0.1")
    assert one.measured_otherwise(NORM.measured_with(space="full", later=1)) is None
    assert one.measured_otherwise(NORM) is None
    assert NORM.measured_with(on=True).measured_otherwise(NORM.measured_with(on=True)) is None


def test_a_run_that_goes_on_keeps_the_columns_that_only_its_rows_have():
    sharp = Column("sharpness", "sharpness").measured_with(rho=0.05)
    earlier = {"sharpness": sharp, "gone": NORM, "norm": Column("norm", "old label")}
    found = gone_on_with({"norm": NORM}, earlier, ["sharpness", "norm"])
    assert found == {"sharpness": sharp, "norm": NORM}
    with pytest.raises(UserError, match=r"sharpness would be measured with rho 0\.1, but the levels so far .* 0\.05"):
        gone_on_with({"sharpness": sharp.measured_with(rho=0.1)}, earlier, ["sharpness"])
    assert gone_on_with({"sharpness": sharp.measured_with(rho=0.1)}, earlier, [])
