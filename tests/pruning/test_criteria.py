import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.losses import LOSSES, loss_of
from sdd.models import ResNet
from sdd.pruning.criteria import CRITERIA, Criterion, Scoring, importance
from sdd.pruning.prunable import prunable_parameters
from sdd.seeding import torch_generator


def scoring(net, batches=(), *, loss=None, seed=0, level=1):
    """A scoring of all prunable weights, none of them removed yet."""
    parameters = prunable_parameters(net)
    masks = {name: torch.ones_like(value, dtype=torch.bool) for name, value in parameters.items()}
    generator = torch_generator(seed, "random pruning", level)
    return Scoring(
        net, parameters, masks, lambda count: batches[:count], generator, loss or LOSSES.get("cross_entropy")
    )


def scores_of(name, given, **arguments):
    return importance(name, CRITERIA.get(name, arguments), given)


def line():
    net = nn.Linear(3, 1, bias=False)
    net.weight.data = torch.tensor([[-2.0, 0.0, 1.5]])
    return nn.Sequential(net)


def test_magnitude_is_the_absolute_weight_and_largest_its_negative():
    assert scores_of("magnitude", scoring(line()))["0.weight"].tolist() == [[2.0, 0.0, 1.5]]
    assert scores_of("largest", scoring(line()))["0.weight"].tolist() == [[-2.0, 0.0, -1.5]]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("loss", "mean"),
    [
        (None, functional.cross_entropy),
        (loss_of("torch.nn.functional.multi_margin_loss", None), functional.multi_margin_loss),
        (loss_of("torch.nn.MultiMarginLoss", {"p": 2}), lambda *both: functional.multi_margin_loss(*both, p=2)),
    ],
)
def test_gradient_scores_equal_finite_differences_over_all_examples(loss, mean, count):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    batches = [(torch.randn(size, 5, dtype=torch.float64), torch.randint(3, (size,))) for size in (6, 2)]
    inputs, labels = (torch.cat([batch[part] for batch in batches[:count]]) for part in (0, 1))
    scores = scores_of("gradient", scoring(net, batches, loss=loss), batches=count)
    weight = net[0].weight
    step = 1e-6
    for place in ((0, 0), (2, 3), (3, 4)):
        losses = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * step
                losses.append(mean(net(inputs), labels).item() * len(labels))
                weight[place] -= sign * step
        slope = (losses[0] - losses[1]) / (2 * step)
        torch.testing.assert_close(
            scores["0.weight"][place].item(), abs(weight[place].item() * slope), rtol=1e-6, atol=1e-8
        )


def test_gradient_scores_leave_the_network_as_it_was():
    net = ResNet(18, width=4)
    net.eval()
    net.stages[0].train()
    modes = [module.training for module in net.modules()]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    scores_of("gradient", scoring(net, [(torch.randn(4, 3, 16, 16), torch.arange(4))]))
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_gradient_needs_batches():
    with pytest.raises(UserError, match=r"criterion_args\.batches is 0"):
        scores_of("gradient", scoring(line()), batches=0)


def test_random_scores_depend_on_seed_and_level_only():
    net = nn.Sequential(nn.Linear(40, 50))
    first = scores_of("random", scoring(net, seed=3))["0.weight"]
    torch.manual_seed(99)
    assert torch.equal(first, scores_of("random", scoring(net, seed=3))["0.weight"])
    assert not torch.equal(first, scores_of("random", scoring(net, seed=3, level=2))["0.weight"])
    assert abs(first.mean().item() - 0.5) < 0.03


def test_a_criterion_that_changes_modes_leaves_them_as_they_were():
    net = line().train()
    importance("mine", Criterion(lambda given: {"0.weight": given.net.eval()[0].weight}), scoring(net))
    assert net.training


@pytest.mark.parametrize(
    ("scores", "word"),
    [
        ({}, r"no scores for 0\.weight"),
        ({"0.weight": torch.ones(3)}, r"of shape \[3\] for 0\.weight; it must be \[1, 3\]"),
        ({"0.weight": [[1.0, 2.0, 3.0]]}, "gives list"),
        ({"0.weight": torch.ones(1, 3, dtype=torch.complex64)}, "complex64"),
        ({"0.weight": torch.ones(1, 3), "other": torch.ones(1)}, "for other"),
        (torch.ones(1, 3), "gives a Tensor"),
    ],
)
def test_scores_that_do_not_fit_are_refused_with_the_criterions_name(scores, word):
    with pytest.raises(UserError, match=rf"^pruning\.criterion my\.own .*{word}") as caught:
        importance("my.own", Criterion(lambda _: scores), scoring(line()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("batches", [1.5, "x", True])
def test_gradient_takes_a_whole_number_of_batches(batches):
    with pytest.raises(UserError, match=r"pruning.criterion_args.batches is .*; gradient takes int there"):
        CRITERIA.get("gradient", {"batches": batches})


def test_gradient_takes_at_least_one_batch():
    with pytest.raises(UserError, match=r"batches is 0; it must be a whole number from 1"):
        CRITERIA.get("gradient", {"batches": 0}).scores(None)


def test_a_criterion_that_writes_into_network_and_masks_changes_neither():
    def ruin(scoring):
        for name, weight in scoring.parameters.items():
            scoring.masks[name].fill_(False)
            weight.data.zero_()
        for buffer in scoring.net.buffers():
            buffer.fill_(7)
        scoring.net.fc.weight = nn.Parameter(torch.ones(1))
        return dict(scoring.parameters)

    net = ResNet(18, width=4)
    given = scoring(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    objects = dict(net.named_parameters())
    scores = importance("mine", Criterion(ruin), given)
    assert all(bool((score == 0).all()) for score in scores.values()), "the scores are those that it gave"
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter is objects[name] for name, parameter in net.named_parameters())
    assert all(bool(mask.all()) for mask in given.masks.values())
