"""Keys that a YAML file sets twice are refused, and those that only look so are not."""

import pytest

from sdd.cli.parse import parse
from sdd.errors import UserError
from sdd.yaml_files import read_yaml
from tests.small import QUICK


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", "a is set twice, in lines 1 and 3"),
        ("data:\n  x: 1\nmodel: 2\ndata:\n  y: 1\n", "data is set twice, in lines 1 and 4"),
        ("pruning.levels: 1\npruning:\n  fraction: 0.3\n", r"pruning\.levels, in line 1, is in pruning too, in line 2"),
        ("a: {b: 1}\na.b.c: 2\n", r"a\.b\.c, in line 2, is in a too, in line 1"),
        ("- {a: 1}\n- {b: {c: 1, c: 1}}\n", "c is set twice, in lines 2 and 2"),
    ],
)
def test_a_key_that_is_set_twice_is_not_lost(tmp_path, text, told):
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(UserError, match=f"file.yaml: {told}: keep one"):
        read_yaml(tmp_path / "file.yaml")


_OTHERS = [
    "a: A\na.b: 1\n",
    "1: {a: b}\n1.5: c\n",
    "1: a\n'1': b\n",
    "a.b: 1\na.c: 2\nab: 3\n",
    "",
    "- a\n- a\n",
    "a: [{b: 1}, {b: 1}]\n",
]


@pytest.mark.parametrize("text", _OTHERS)
def test_other_keys_are_other_keys(tmp_path, text):
    (tmp_path / "file.yaml").write_text(text)
    read_yaml(tmp_path / "file.yaml")


def test_settings_on_a_command_line_are_not_lost_either():
    with pytest.raises(UserError, match="lr is set twice, in lines 1 and 1"):
        parse([*QUICK, "--model.optimizer.init_args", "{lr: 0.1, lr: 0.2}"])
    with pytest.raises(UserError, match="levels is set twice"):
        parse([*QUICK, "--config", "pruning: {levels: 1, levels: 2}"])


def test_keys_of_several_mappings_and_merged_ones_may_be_alike(tmp_path):
    (tmp_path / "file.yaml").write_text("one: &one {a: 1, b: 2}\ntwo: {<<: *one, a: 3}\nthree: [*one, *one]\n")
    assert read_yaml(tmp_path / "file.yaml")["two"] == {"a": 3, "b": 2}
