import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.errors import UserError
from sdd.losses import LOSSES, loss_of
from sdd.models import ResNet
from sdd.pruning.criteria import CRITERIA, Criterion, Scoring, importance
from sdd.pruning.masks import dead_layers
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import Pruner, counts_of_rounds
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


def chain(*weights):
    """Linear layers without biases, of these weights."""
    layers = []
    for rows in weights:
        weight = torch.tensor(rows)
        layers.append(nn.Linear(weight.shape[1], weight.shape[0], bias=False))
        layers[-1].weight.data = weight
    return nn.Sequential(*layers)


def test_snip_by_hand_is_the_gradient_criterion_at_the_first_weights():
    net = chain([[3.0, -2.0]])
    square = loss_of("torch.nn.functional.mse_loss", None)
    batches = [(torch.tensor([[1.0, 4.0]]), torch.tensor([[1.0]]))]
    # The output is -5 and ∂L/∂w = 2 (-5 - 1) x = (-12, -48).
    assert scores_of("snip", scoring(net, batches, loss=square))["0.weight"].tolist() == [[36.0, 96.0]]
    assert CRITERIA.get("snip", {"batches": 4}).at_initialisation
    assert not CRITERIA.get("gradient").at_initialisation


def test_synflow_of_a_linear_chain_is_the_weight_times_the_sums_of_the_paths_through_it():
    first, second = [[1.0, -2.0], [3.0, 0.5]], [[-4.0, 0.25], [2.0, 1.0]]
    scores = scores_of("synflow", scoring(chain(first, second), [(torch.full((7, 2), 9.0), None)]))
    out = [6.0, 1.25]  # column sums of |second|
    inside = [3.0, 3.5]  # row sums of |first|
    assert scores["0.weight"].tolist() == [[abs(w) * out[row] for w in first[row]] for row in range(2)]
    assert scores["1.weight"].tolist() == [
        [abs(w) * into for w, into in zip(row, inside, strict=True)] for row in second
    ]


def test_synflow_conserves_its_sum_from_layer_to_layer_in_a_residual_network_with_batch_norm():
    net = ResNet(18, width=4).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    dtypes = {name: value.dtype for name, value in net.state_dict().items()}
    given = scoring(net, [(torch.randn(2, 3, 16, 16), None)])
    given.masks["conv.weight"][0] = False
    scores = scores_of("synflow", given)
    assert all(score.dtype == torch.float64 and bool((score >= 0).all()) for score in scores.values())
    assert bool((scores["conv.weight"][0] == 0).all()), "removed weights take no part"
    torch.testing.assert_close(scores["conv.weight"].sum(), scores["fc.weight"].sum(), rtol=1e-9, atol=0)
    assert net.training
    assert {name: value.dtype for name, value in net.state_dict().items()} == dtypes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_rounds_remove_the_count_at_equal_fractions():
    assert counts_of_rounds(1000, 990, 2) == [900, 90]
    assert counts_of_rounds(64, 63, 6) == [32, 16, 8, 4, 2, 1]
    for remaining, count, rounds in ((7, 3, 100), (5, 5, 3), (0, 0, 4), (9, 0, 2), (12345, 2469, 100)):
        counts = counts_of_rounds(remaining, count, rounds)
        assert (len(counts), sum(counts), min(counts) >= 0) == (rounds, count, True)


def test_a_level_of_synflow_equals_an_independent_loop_over_rounds():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 4, bias=False))
    batches = [(torch.randn(3, 6), None)]
    first, second = (net[place].weight.detach().double().abs() for place in (0, 2))
    kept = [torch.ones_like(first), torch.ones_like(second)]
    for left in (36, 26, 19, 13):  # 50 weights to a quarter in four rounds: 50 · (13 / 50)^(k / 4)
        a, b = first * kept[0], second * kept[1]
        scores = torch.cat([(a * b.sum(0)[:, None]).flatten(), (b * a.sum(1)[None, :]).flatten()])
        order = scores.masked_fill(torch.cat([one.flatten() for one in kept]) == 0, -1).argsort(descending=True)
        flat = torch.zeros(50, dtype=torch.float64).index_fill(0, order[:left], 1)
        kept = [flat[:30].view(5, 6), flat[30:].view(4, 5)]
    pruner = Pruner([0.74], "synflow", {"rounds": 4}, "global", None)
    masks = pruner.masks(1, scoring(net, batches))
    assert [mask.double().tolist() for mask in masks.values()] == [one.tolist() for one in kept]
    assert all(bool((weight != 0).all()) for weight in net.parameters()), "the network is as before"
    one_round = Pruner([0.74], "synflow", {"rounds": 1}, "global", None).masks(1, scoring(net, batches))
    assert any(not torch.equal(one_round[name], mask) for name, mask in masks.items())


def test_synflow_keeps_every_layer_where_magnitude_empties_one():
    torch.manual_seed(0)
    net = nn.Sequential(*[nn.Linear(20, 20, bias=False) for _ in range(4)])
    net[2].weight.data *= 1e-3
    given = scoring(net, [(torch.randn(2, 20), None)])
    assert dead_layers(Pruner([0.99], "magnitude", None, "global", None).masks(1, given)) == ["2.weight"]
    assert dead_layers(Pruner([0.99], "synflow", None, "global", None).masks(1, given)) == []


@pytest.mark.parametrize("rounds", [0, 1.5, True])
def test_rounds_are_a_whole_number_from_1_before_anything_is_scored(rounds):
    with pytest.raises(UserError, match=r"^pruning\.criterion_args\.rounds is "):
        Pruner([0.5], "synflow", {"rounds": rounds}, "global", None)
