"""The page's tables are those of the declarations."""

import re

import pytest

from sdd.measures.accuracy import VALIDATION
from sdd.measures.built_in import ALWAYS, FLATNESS
from sdd.measures.markdown import column_table, cost_table, with_tables
from tests.small import PROJECT


def test_the_page_holds_the_tables():
    text = (PROJECT / "docs" / "measures.md").read_text()
    assert with_tables(text) == text, "python -m sdd.measures.markdown docs/measures.md"


def test_every_column_is_in_a_table():
    names = [re.findall(r"`([^`]*)`", line)[0] for line in column_table().splitlines()[2:]]
    assert names == [column.name for column in (*ALWAYS, *VALIDATION)]
    assert {column.name for column in FLATNESS} <= set(re.findall(r"`([^`]*)`", cost_table()))


def test_other_text_stays_and_a_table_that_is_out_of_date_is_replaced():
    text = "a\n<!-- columns -->\nold\n<!-- end -->\nb\n<!-- costs -->\n<!-- end -->\nc\n"
    assert with_tables(text) == (
        f"a\n<!-- columns -->\n{column_table()}\n<!-- end -->\nb\n<!-- costs -->\n{cost_table()}\n<!-- end -->\nc\n"
    )


@pytest.mark.parametrize("text", ["", "<!-- columns -->\n<!-- end -->\n", "<!-- columns -->\n<!-- costs -->\n"])
def test_lacking_markers_are_named(text):
    with pytest.raises(ValueError, match="no pair of markers"):
        with_tables(text)
