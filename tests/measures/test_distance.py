import math

import pytest
import torch
from torch import nn

from sdd.measures.distance import layer_distances, total_distance, trainable


def test_distances_of_a_hand_worked_example():
    final = {"w": torch.tensor([[3.0, 9.0]]), "bias": torch.tensor([1.0])}
    initial = {"w": torch.tensor([[7.0, 3.0]]), "bias": torch.tensor([1.0]), "running_mean": torch.ones(2)}
    start = {"w": torch.tensor([[0.0, 7.0]]), "bias": torch.tensor([5.0])}
    masks = {"w": torch.tensor([[True, False]])}
    layers = layer_distances(final, initial, start, masks)
    assert layers == {
        "distance": {"w": 5.0, "bias": 0.0},  # (7 − 3, 3 − 0): removed, so that its 9 does not count
        "distance_init": {"w": 4.0, "bias": 0.0},
        "distance_start": {"w": 3.0, "bias": 4.0},
    }
    assert total_distance(layers["distance_start"]) == 5.0


def test_all_trainable_parameters_count_and_no_buffers():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[0].bias.requires_grad_(False)
    assert set(trainable(net)) == {"0.weight", "1.weight", "1.bias"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_distances_equal_loops_in_float64(dtype):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5)).to(dtype)
    initial, start = ({name: torch.randn_like(value) for name, value in net.named_parameters()} for _ in range(2))
    mask = torch.rand(5, 6) < 0.5
    totals = dict.fromkeys(("distance", "distance_init", "distance_start"), 0.0)
    for name, value in net.named_parameters():
        parts = (value.flatten().tolist(), initial[name].flatten().tolist(), start[name].flatten().tolist())
        for index, (trained, first, began) in enumerate(zip(*parts, strict=True)):
            kept = name != "0.weight" or bool(mask.flatten()[index])
            totals["distance"] += (first - (trained if kept else 0.0)) ** 2
            totals["distance_init"] += (first - trained) ** 2 if kept else 0.0
            totals["distance_start"] += (began - trained) ** 2 if kept else 0.0
    found = layer_distances(trainable(net), initial, start, {"0.weight": mask})
    for name, total in totals.items():
        assert math.isclose(total_distance(found[name]), math.sqrt(total), rel_tol=1e-12)
