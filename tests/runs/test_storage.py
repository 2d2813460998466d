"""The disk space of a run, by hand."""

from sdd.runs.storage import checkpoint_bytes, level_bytes


def test_levels_of_a_network_of_ten_parameters_eight_of_them_prunable():
    sizes = {"parameters": 10, "prunable": 8, "surviving": [8, 4]}
    assert level_bytes(**sizes, keep=True) == (4 * 10 + 1) + (4 * 6 + 1)
    assert level_bytes(**sizes, keep=[1]) == 4 * 6 + 1
    assert level_bytes(**sizes, keep="masks") == 2
    assert level_bytes(**sizes, keep=False) == 0


def test_three_checkpoints_of_network_and_first_weights_and_more_where_there_is_more():
    assert checkpoint_bytes(10, rewinds=False, within_levels=False) == 3 * 4 * 10 * 2
    assert checkpoint_bytes(10, rewinds=True, within_levels=True) == 3 * 4 * 10 * 5
