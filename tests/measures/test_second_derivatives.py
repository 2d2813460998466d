"""Hessian-vector products against differences of gradients, for layers whose second derivative is not plain."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from sdd.measures.objective import Objective
from tests.networks import AttentionNet, NormedNet, RecurrentNet, TiedNet

pytestmark = pytest.mark.usefixtures("double_precision")


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize(
    "make",
    [
        TiedNet,
        AttentionNet,
        RecurrentNet,
        lambda: RecurrentNet(nn.GRU),
        lambda: RecurrentNet(nn.RNN),
        NormedNet,
        lambda: NormedNet(old=True),
    ],
    ids=["tied", "attention", "lstm", "gru", "rnn", "normed", "normed by hooks"],
)
def test_products_are_differences_of_the_gradients_of_the_surviving_weights(make):
    net, images, labels = make().eval(), torch.randn(4, 1, 8, 8), torch.randint(0, 10, (4,))
    parameters = dict(net.named_parameters())
    identities = {name: id(one) for name, one in net.named_parameters(remove_duplicate=False)}
    masks = {name: torch.rand(one.shape) < 0.5 for name, one in parameters.items() if one.ndim > 1}
    keep = torch.cat([masks.get(name, torch.ones_like(one) > 0).flatten() for name, one in parameters.items()])
    objective = Objective(net, [(images, labels)], masks)
    vector = torch.randn(objective.dimension)
    product = objective.hessian_vector_product(vector)

    def gradient_at(step):
        with torch.no_grad():
            for name, offset in objective.split(vector).items():
                parameters[name] += step * offset
        gradients = torch.autograd.grad(functional.cross_entropy(net(images), labels), list(parameters.values()))
        with torch.no_grad():
            for name, offset in objective.split(vector).items():
                parameters[name] -= step * offset
        return torch.cat([one.flatten() for one in gradients])[keep]

    torch.testing.assert_close(objective.gradient(), gradient_at(0.0))
    torch.testing.assert_close(product, (gradient_at(1e-5) - gradient_at(-1e-5)) / 2e-5, rtol=1e-5, atol=1e-7)
    assert {name: id(one) for name, one in net.named_parameters(remove_duplicate=False)} == identities
