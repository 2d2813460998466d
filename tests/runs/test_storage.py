"""The disk space of a run, by hand."""

from sdd.runs.storage import checkpoints_size, levels_size


def test_levels_of_a_network_of_ten_parameters_eight_of_them_prunable():
    sizes = {"parameters": 10, "prunable": 8, "surviving": [8, 4]}
    assert levels_size(**sizes, keep=True) == (4 * 10 + 1) + (4 * 6 + 1)
    assert levels_size(**sizes, keep=[1]) == 4 * 6 + 1
    assert levels_size(**sizes, keep=[1], precision="half") == 2 * 6 + 1
    assert levels_size(**sizes, keep="masks") == 2
    assert levels_size(**sizes, keep=False) == 0


def test_three_checkpoints_of_network_and_first_weights_and_more_where_there_is_more():
    assert checkpoints_size(10, rewinds=False, within_levels=False) == 3 * 4 * 10 * 2
    assert checkpoints_size(10, rewinds=True, within_levels=True) == 3 * 4 * 10 * 5
