import pytest
import torch
from torch import nn

from sdd.errors import UserError
from sdd.models import MLP, VGG, ResNet
from sdd.pruning.prunable import LeftOut, left_out, left_out_record, left_out_text, prunable_parameters
from tests.networks import AttentionNet, NormedNet, TiedEmbedding, TiedNet


def test_weights_of_conv_and_linear_layers_are_pruned():
    assert list(prunable_parameters(MLP(4, [3, 2], 2))) == ["hidden.0.weight", "hidden.1.weight", "fc.weight"]
    net = ResNet(18, width=8)
    expected = {name + ".weight" for name, module in net.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    assert set(prunable_parameters(net)) == expected
    assert len(expected) == 21
    assert left_out(net, expected) == []


def test_all_three_weights_of_attention_are_pruned_joined_or_apart():
    apart = nn.MultiheadAttention(8, 2, kdim=4, vdim=6, add_bias_kv=True)
    names = ["q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"]
    assert list(prunable_parameters(apart)) == names
    assert list(prunable_parameters(nn.MultiheadAttention(8, 2))) == ["in_proj_weight", "out_proj.weight"]
    assert left_out(apart, names) == [], "bias_k and bias_v are biases, though of three dimensions"


def test_all_matrices_of_recurrent_layers_are_pruned():
    net = nn.LSTM(3, 5, num_layers=2, bidirectional=True, proj_size=2)
    matrices = {name for name, parameter in net.named_parameters() if parameter.ndim == 2}
    assert set(prunable_parameters(net)) == matrices
    assert len(matrices) == 2 * 2 * 3
    for cell in (nn.LSTMCell, nn.GRUCell, nn.RNNCell):
        assert list(prunable_parameters(cell(3, 5))) == ["weight_ih", "weight_hh"]


def test_a_transformer_is_pruned_but_for_its_normalisation_and_biases():
    net = nn.TransformerEncoderLayer(8, 2, 16)
    assert set(prunable_parameters(net)) == {name for name, one in net.named_parameters() if one.ndim == 2}


def test_excluded_weights_are_left_alone_by_name_and_by_pattern():
    net = VGG(11, width=4)
    assert "fc.weight" not in prunable_parameters(net, ["fc.weight"])
    assert list(prunable_parameters(net, ["features.*"])) == ["fc.weight"]


def test_a_shared_weight_counts_once_and_is_excluded_by_any_of_its_names():
    net = TiedNet()
    assert list(prunable_parameters(net)) == ["input.weight", "a.weight", "fc.weight"]
    for name in ("a.weight", "b.weight", "c.weight"):
        assert list(prunable_parameters(net, [name])) == ["input.weight", "fc.weight"]


def test_an_embedding_is_pruned_where_it_is_the_weight_of_a_linear_layer_too():
    assert list(prunable_parameters(TiedEmbedding())) == ["embedding.weight", "fc.weight"]
    untied = nn.Sequential(nn.Embedding(17, 8), nn.Linear(8, 17))
    assert list(prunable_parameters(untied)) == ["1.weight"]


def test_what_is_left_out_is_named_with_its_reason_and_all_numbers_add_up():
    net = nn.ModuleDict(
        {
            "words": nn.Embedding(10, 4),
            "attention": AttentionNet(),
            "norms": NormedNet(),
            "old": NormedNet(old=True),
            "layer_norm": nn.LayerNorm((3, 4)),
        }
    )
    pruned = prunable_parameters(net, ["*.fc.weight"])
    left = left_out(net, pruned)
    assert {one.name: one.reason for one in left} == {
        "words.weight": "embedding",
        "attention.position": "in a module of another kind",
        "attention.fc.weight": "excluded",
        "norms.a.parametrizations.weight.original0": "parametrised",
        "norms.a.parametrizations.weight.original1": "parametrised",
        "norms.b.parametrizations.weight.original": "parametrised",
        "norms.fc.weight": "excluded",
        "old.a.weight_g": "parametrised",
        "old.a.weight_v": "parametrised",
        "old.b.weight_orig": "parametrised",
        "old.fc.weight": "excluded",
    }
    total = sum(one.numel() for name, one in net.named_parameters() if one.ndim >= 2 and "layer_norm" not in name)
    prunable = sum(one.numel() for one in pruned.values())
    assert sum(one.count for one in left) + prunable == total
    record = left_out_record(left, prunable)
    assert record["fraction"] == 1 - prunable / total
    assert record["weights"]["words.weight"] == {"count": 40, "reason": "embedding"}


def test_asking_does_not_compute_a_parametrised_weight():
    net = NormedNet()
    vectors = {name: buffer.clone() for name, buffer in net.named_buffers()}
    left_out(net, prunable_parameters(net))
    assert all(torch.equal(buffer, vectors[name]) for name, buffer in net.named_buffers())


@pytest.mark.parametrize(
    ("left", "prunable", "text"),
    [
        ([], 10, ""),
        (
            [LeftOut("a", 10, "excluded"), LeftOut("b", 20, "embedding"), LeftOut("c", 1, "excluded")],
            969,
            "not pruned: a, c (excluded), b (embedding): 31 of 1,000 weights, 3.1 %",
        ),
        ([LeftOut("a", 1, "excluded")], 1999, "not pruned: a (excluded): 1 of 2,000 weights, less than 0.1 %"),
        ([LeftOut("a", 1999, "excluded")], 1, "not pruned: a (excluded): 1,999 of 2,000 weights, more than 99.9 %"),
        (
            [LeftOut(f"w{i}", 1, "excluded") for i in range(9)],
            9,
            "not pruned: w0, w1, w2, w3, w4, w5 and 3 more (excluded): 9 of 18 weights, 50.0 %",
        ),
    ],
)
def test_the_line_says_what_is_left_out(left, prunable, text):
    assert left_out_text(left, prunable) == text


def views() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 4))
    net[1].weight = nn.Parameter(net[0].weight.detach().T)
    return net


@pytest.mark.parametrize(
    ("net", "exclude", "word"),
    [
        (MLP(4, [3], 2), ["fd.weight"], "'fd.weight' matches no prunable weight"),
        (MLP(4, [3], 2), ["*"], "nothing to prune.*excluded"),
        (nn.Sequential(nn.Embedding(3, 2)), [], r"nothing to prune.*0\.weight \(embedding\)"),
        (nn.Sequential(nn.LazyLinear(3)), [], r"0\.weight has no shape"),
        (views(), [], r"0\.weight and 1\.weight are two parameters in the same memory"),
    ],
)
def test_what_cannot_be_pruned_is_refused_in_one_line(net, exclude, word):
    with pytest.raises(UserError, match=word) as caught:
        prunable_parameters(net, exclude)
    assert "\n" not in str(caught.value)
