"""Curve files come back bit for bit, and damage is reported by file and line."""

import math
import os
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.analysis.curve import FIRST_COLUMNS, column, further_columns, read_curve, write_curve
from sdd.errors import UserError


def make_row(level, **more):
    return {name: 0.1 * index for index, name in enumerate(FIRST_COLUMNS)} | {"level": level, "remaining": 10} | more


def bits(row):
    return {
        name: value if isinstance(value, int) else struct.pack("d", value) if value == value else "nan"
        for name, value in row.items()
    }


@given(st.lists(st.floats(), min_size=1, max_size=6), st.integers(0, 10**12))
def test_rows_come_back_bit_for_bit(tmp_path_factory, values, remaining):
    path = tmp_path_factory.getbasetemp() / "curve.csv"
    rows = [make_row(level, test_acc=value, remaining=remaining) for level, value in enumerate(values)]
    write_curve(path, rows)
    again = read_curve(path)
    assert [bits(row) for row in again] == [bits(row) for row in rows]
    assert all(type(row["remaining"]) is int and type(row["test_acc"]) is float for row in again)


def test_further_columns_follow_in_first_seen_order_and_gaps_are_empty_cells(tmp_path):
    rows = [make_row(0, sharpness=0.5), make_row(1, **{"distance/fc1": 1.0, "hessian_top": 2.0})]
    write_curve(tmp_path / "curve.csv", rows)
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0] == ",".join([*FIRST_COLUMNS, "sharpness", "distance/fc1", "hessian_top"])
    assert lines[1].endswith(",0.5,,")
    assert lines[2].endswith(",,1.0,2.0")
    assert read_curve(tmp_path / "curve.csv") == rows
    assert further_columns(rows) == ["sharpness", "distance/fc1", "hessian_top"]
    assert column(rows, "sharpness")[0] == 0.5
    assert math.isnan(column(rows, "sharpness")[1])


def test_numpy_numbers_are_written_as_plain_ones(tmp_path):
    write_curve(tmp_path / "curve.csv", [make_row(np.int64(0), test_acc=np.float64(0.1), train_acc=np.float32(0.1))])
    (row,) = read_curve(tmp_path / "curve.csv")
    assert row["level"] == 0
    assert row["test_acc"] == 0.1
    assert row["train_acc"] == float(np.float32(0.1))


def test_no_rows_give_a_header_only(tmp_path):
    write_curve(tmp_path / "curve.csv", [])
    assert read_curve(tmp_path / "curve.csv") == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "curve.csv"
    write_curve(path, [make_row(0)])
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        write_curve(path, [make_row(0, test_acc="none")])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["curve.csv"]


def damage(text, how):
    lines = text.splitlines(keepends=True)
    if how == "cut":
        return text[:-4]
    if how == "word":
        return "".join([*lines[:2], lines[2].replace("0.1,", "x,", 1)])
    if how == "cells":
        return "".join([*lines[:2], lines[2].rstrip("\n") + ",3\n"])
    if how == "levels":
        return "".join([*lines, lines[1]])
    if how == "header":
        return "".join(lines[1:])
    return "".join([lines[0], lines[1].replace("0,", "0.5,", 1)])


@pytest.mark.parametrize(
    ("how", "place", "what"),
    [
        ("cut", "line 3", "cut off"),
        ("word", "line 3", "sparsity is 'x'"),
        ("cells", "line 3", "16 cells where the header has 15"),
        ("levels", "line 4", "level 0 follows level 1"),
        ("header", "line 1", "not the header"),
        ("half level", "line 2", "not a whole number"),
    ],
)
def test_damage_is_reported_by_file_and_line(tmp_path, how, place, what):
    path = tmp_path / "curve.csv"
    write_curve(path, [make_row(0), make_row(1)])
    path.write_text(damage(path.read_text(), how))
    with pytest.raises(UserError) as caught:
        read_curve(path)
    message = str(caught.value)
    assert str(path) in message
    assert place in message
    assert what in message
    assert "\n" not in message


def test_the_distance_of_an_earlier_version_is_read_under_the_name_that_it_has_now(tmp_path):
    path = tmp_path / "curve.csv"
    names = [name for name in FIRST_COLUMNS if name not in ("distance_start", "remaining_fraction")]
    values = {"level": 0, "distance": 3.5, "distance_init": 2.5, "distance/fc.weight": 1.5, "sharpness": 9.5}
    cells = [values.get(name, 1) for name in (*names, "distance/fc.weight", "sharpness")]
    path.write_text(f"{','.join([*names, 'distance/fc.weight', 'sharpness'])}\n{','.join(map(str, cells))}\n")
    (row,) = read_curve(path)
    assert "distance" not in row, "what it was is not what is called so now"
    assert (row["distance_start"], row["distance_init"], row["distance_start/fc.weight"]) == (3.5, 2.5, 1.5)
    assert (row["seconds"], row["sharpness"]) == (1, 9.5)
    write_curve(path, [row])
    assert read_curve(path) == [row]


@given(st.lists(st.integers(0, 5 * 10**7), min_size=1, max_size=8), st.integers(1, 10**7), st.booleans())
def test_what_remains_of_an_earlier_versions_run_is_what_it_would_have_written(tmp_path_factory, left, more, dense):
    total = max(left) + more
    counts = [*([total] if dense else []), *sorted({*left}, reverse=True)]
    before = [name for name in FIRST_COLUMNS if name != "remaining_fraction"]
    rows = [dict.fromkeys(before, 0.5) | {"level": level, "remaining": count} for level, count in enumerate(counts)]
    rows = [row | {"sparsity": (total - row["remaining"]) / total} for row in rows]
    path = tmp_path_factory.getbasetemp() / "earlier.csv"
    path.write_text("\n".join([",".join(before), *(",".join(map(str, row.values())) for row in rows), ""]))
    again = read_curve(path)
    assert [row["remaining_fraction"] for row in again] == [count / total for count in counts]
    assert [{name: row[name] for name in before} for row in again] == rows
    assert list(again[0])[:4] == ["level", "sparsity", "remaining", "remaining_fraction"]


@pytest.mark.parametrize("cells", ["0,2.0,5", "0,nan,5", "0,0.5,inf", "0,0.5,1" + 400 * "0", "0,-1e308,5"])
def test_numbers_that_no_run_writes_are_not_taken_for_what_remains(tmp_path, cells):
    before = [name for name in FIRST_COLUMNS if name != "remaining_fraction"]
    (tmp_path / "curve.csv").write_text(f"{','.join(before)}\n{cells}{(len(before) - 3) * ','}\n")
    (row,) = read_curve(tmp_path / "curve.csv")
    assert "remaining_fraction" not in row


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe\x00", b"\x00\x00"])
def test_missing_empty_or_binary_files_are_user_errors(tmp_path, content):
    path = tmp_path / "curve.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"curve\.csv") as caught:
        read_curve(path)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 20))
def test_random_damage_never_raises_anything_else(tmp_path_factory, noise, start, cut):
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    write_curve(path, [make_row(0), make_row(1)])
    content = path.read_bytes()
    path.write_bytes(content[:start] + noise + content[start + cut :])
    with suppress(UserError):
        read_curve(path)
