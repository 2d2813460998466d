"""The table of measured paths in a folder."""

import pytest

from sdd.errors import UserError
from sdd.interpolation.table import PATH, PathTable


def test_paths_that_another_process_adds_before_the_folder_is_held_are_seen(tmp_path):
    first, second = (PathTable(tmp_path, {"points": 2}) for _ in range(2))
    with first.owned():
        first.add(PATH, "digest", [{"alpha": 0.0, "test_acc": 0.5}, {"alpha": 1.0, "test_acc": 0.25}])
    assert not second.holds(PATH, "digest")
    with second.owned():
        assert second.holds(PATH, "digest")


def test_a_file_in_place_of_the_folder_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(UserError, match="is a file: give a folder"), PathTable(folder, {}).owned():
            pass
