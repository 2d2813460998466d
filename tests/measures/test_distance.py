import math

import torch
from torch import nn

from sdd.measures.distance import layer_distances, total_distance, trainable


def test_distance_of_a_hand_worked_example():
    final = {"w": torch.tensor([[3.0, 0.0]]), "bias": torch.tensor([1.0])}
    start = {"w": torch.tensor([[0.0, 7.0]]), "bias": torch.tensor([5.0])}
    masks = {"w": torch.tensor([[True, False]])}
    layers = layer_distances(final, start, masks)
    assert layers == {"w": 3.0, "bias": 4.0}
    assert total_distance(layers) == 5.0


def test_all_trainable_parameters_count_and_no_buffers():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[0].bias.requires_grad_(False)
    assert set(trainable(net)) == {"0.weight", "1.weight", "1.bias"}


def test_distance_equals_a_loop_in_float64():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5))
    start = {name: torch.randn_like(value) for name, value in net.named_parameters()}
    mask = torch.rand(5, 6) < 0.5
    with torch.no_grad():
        net[0].weight.mul_(mask)
    total = 0.0
    for name, value in net.named_parameters():
        for index, (a, b) in enumerate(zip(value.flatten().tolist(), start[name].flatten().tolist(), strict=True)):
            kept = name != "0.weight" or bool(mask.flatten()[index])
            total += (a - (b if kept else 0.0)) ** 2
    result = total_distance(layer_distances(trainable(net), start, {"0.weight": mask}))
    assert math.isclose(result, math.sqrt(total), rel_tol=1e-12)
