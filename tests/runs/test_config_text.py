"""A configuration that was dumped, read again."""

import pytest
import yaml

from sdd.runs.config_text import plain

VALUES = {
    "numbers": [1e-05, 1.0, 0, -3, float("inf"), 2**40],
    "texts": ["", "1e-05", "null", "on", "12:30:00", "2026-11-26", "ß: {a}", "# no comment", "two\nlines", "x" * 300],
    "others": {1: True, "nothing": None, "empty": [{}, []]},
}


@pytest.mark.parametrize("flow", [True, False])
def test_what_was_dumped_is_read_as_it_was(flow):
    text = yaml.safe_dump(VALUES, default_flow_style=flow, allow_unicode=True)
    assert plain(text) == VALUES == yaml.safe_load(text)
    assert isinstance(plain(text)["numbers"][1], float)
