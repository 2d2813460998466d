import torch
from torch import nn
from torch.nn import functional

from sdd.models import ResNet
from sdd.pruning.criteria import gradient_scores, magnitude_scores, random_scores
from sdd.pruning.masks import prunable_parameters
from sdd.seeding import torch_generator


def test_magnitude_is_the_absolute_weight():
    weight = nn.Parameter(torch.tensor([[-2.0, 0.0, 1.5]]))
    assert magnitude_scores({"w": weight})["w"].tolist() == [[2.0, 0.0, 1.5]]


def test_gradient_scores_equal_finite_differences_over_all_examples():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    batches = [(torch.randn(size, 5, dtype=torch.float64), torch.randint(3, (size,))) for size in (6, 2)]
    inputs, labels = (torch.cat([batch[part] for batch in batches]) for part in (0, 1))
    scores = gradient_scores(net, prunable_parameters(net), batches)
    weight = net[0].weight
    step = 1e-6
    for place in ((0, 0), (2, 3), (3, 4)):
        losses = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * step
                losses.append(functional.cross_entropy(net(inputs), labels, reduction="sum").item())
                weight[place] -= sign * step
        slope = (losses[0] - losses[1]) / (2 * step)
        torch.testing.assert_close(
            scores["0.weight"][place].item(), abs(weight[place].item() * slope), rtol=1e-6, atol=1e-9
        )


def test_gradient_scores_leave_the_network_as_it_was():
    net = ResNet(18, width=4)
    net.eval()
    net.stages[0].train()
    modes = [module.training for module in net.modules()]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    gradient_scores(net, prunable_parameters(net), [(torch.randn(4, 3, 16, 16), torch.arange(4))])
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_random_scores_depend_on_seed_and_level_only():
    weight = {"w": nn.Parameter(torch.zeros(50, 40))}
    first = random_scores(weight, torch_generator(3, "random pruning", 1))["w"]
    torch.manual_seed(99)
    assert torch.equal(first, random_scores(weight, torch_generator(3, "random pruning", 1))["w"])
    assert not torch.equal(first, random_scores(weight, torch_generator(3, "random pruning", 2))["w"])
    assert abs(first.mean().item() - 0.5) < 0.03
