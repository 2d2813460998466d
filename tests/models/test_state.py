import pytest
import torch
from torch import nn

from sdd.models.state import first_names, kept_state, load_state, once_each, places, state_of
from tests.networks import TiedNet


def test_each_tensor_has_one_entry_under_its_first_name():
    net = TiedNet()
    assert first_names(net)["b.weight"] == first_names(net)["c.weight"] == first_names(net)["a.weight"] == "a.weight"
    assert set(state_of(net)) == {f"{n}.{part}" for n in ("input", "a", "fc") for part in ("weight", "bias")} | {
        "b.bias"
    }
    assert set(net.state_dict()) - set(state_of(net)) == {"b.weight", "c.weight", "c.bias"}
    assert once_each(net, net.state_dict()).keys() == state_of(net).keys()


def test_a_state_is_a_copy_and_is_loaded_whatever_other_names_say():
    net, other = TiedNet(), TiedNet()
    state = state_of(net)
    load_state(other, state | {"b.weight": torch.full((12, 12), 5.0)})
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in other.state_dict().items())
    assert other.b.weight is other.a.weight
    other.a.weight.data.zero_()
    assert not bool((state["a.weight"] == 0).any())


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_state_of_another_network_is_not_loaded(change):
    net = TiedNet()
    state = state_of(net)
    if change == "missing":
        del state["a.weight"]
    else:
        state["d.weight"] = torch.zeros(1)
    with pytest.raises(RuntimeError, match=r"a\.weight|d\.weight"):
        load_state(net, state)


def test_a_module_of_two_names_is_one_place_and_two_tied_modules_are_two():
    found = places(TiedNet())
    assert {place: first for place, first in found.items() if place != first} == {"b.weight": "a.weight"}
    assert "c.weight" not in found


def test_whatever_is_done_to_a_network_is_undone():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[0].weight.grad = torch.ones(2, 2)
    before, objects = state_of(net), dict(net.named_parameters())

    def ruin():
        net[0].weight.grad.zero_()
        net[1](torch.randn(5, 2)).sum().backward()
        net[0].weight.data = torch.zeros(7)
        net[0].bias = nn.Parameter(torch.zeros(2))
        net[1].weight.requires_grad_(False)
        net[1].running_mean = torch.ones(2)
        del net[1].running_var
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), kept_state(net):
        ruin()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert {name: id(one) for name, one in net.named_parameters()} == {name: id(one) for name, one in objects.items()}
    assert net[0].weight.grad.tolist() == [[1, 1], [1, 1]]
    assert net[1].weight.requires_grad
    assert net[1].weight.grad is None
