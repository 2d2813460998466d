"""docs/reference.md is what the parser says, and has every setting once."""

import re

from sdd.cli.help_page import page
from sdd.cli.reference_page import reference_page
from tests.small import PROJECT


def test_the_page_is_up_to_date():
    told = "python -m sdd.cli.reference_page docs/reference.md"
    assert (PROJECT / "docs" / "reference.md").read_text() == reference_page(), told


def test_every_setting_is_there_once_with_its_values():
    text = reference_page()
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \| (.*?) \|", text, re.MULTILINE)
    listed = [name for name, _, _ in rows] + re.findall(r"`(trainer\.\w+)`", text.partition("## trainer")[2])
    flags = set(re.findall(r"^  --([\w.]+)", page("fit", "all"), re.MULTILINE))
    sections = {name for name in flags if any(other.startswith(f"{name}.") for other in flags) and "." not in name}
    no_settings = {"config", "print_config", "help"} | {name for name in flags if name.endswith(".help")}
    assert sorted(listed) == sorted(flags - sections - no_settings)
    assert ("flatness.space", "`surviving`, `full`", "`surviving`") in rows
    assert ("pruning.stop_loss", "float or `null`", "`null`") in rows
