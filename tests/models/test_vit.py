import pytest
import torch
from torchvision.models import VisionTransformer

from sdd.models.vit import ViT
from sdd.pruning.prunable import prunable_parameters


def test_the_default_is_torchvisions_network_weight_by_weight():
    torch.manual_seed(0)
    ours = ViT(8, 2, depth=1, heads=2, width=8, num_classes=5)
    torch.manual_seed(0)
    theirs = VisionTransformer(8, 2, 1, 2, 8, 32, num_classes=5)
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name
    torch.nn.init.normal_(ours.heads.head.weight)
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(3, 3, 8, 8)
    assert torch.equal(ours(images), theirs(images))


def test_a_layer_for_other_channels_has_the_scale_of_its_fan_in():
    net = ViT(8, 2, depth=1, heads=2, width=64, in_channels=1)
    assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert net.conv_proj.weight.std().item() == pytest.approx(0.5, rel=0.2)
    assert net.conv_proj.bias.abs().sum() == 0


def test_attention_is_pruned_and_tokens_are_not():
    block = "encoder.layers.encoder_layer_0"
    attention = [f"{block}.self_attention.in_proj_weight", f"{block}.self_attention.out_proj.weight"]
    wanted = ["conv_proj.weight", *attention, f"{block}.mlp.0.weight", f"{block}.mlp.3.weight"]
    assert list(prunable_parameters(ViT(depth=1), ["heads.head.weight"])) == wanted


@pytest.mark.parametrize("arguments", [{"image_size": 30}, {"width": 190}, {"heads": 0}])
def test_sizes_that_do_not_divide_are_refused(arguments):
    with pytest.raises(ValueError, match="must be a multiple of"):
        ViT(**arguments)
