import math

import pytest
import torch
import torchvision
from scipy import stats
from torch import nn

from sdd.models import MLP, VGG, ResNet
from sdd.models.initialize import initialize

NETS = {
    "lenet": lambda: MLP(784, [300, 100]),
    "resnet18": lambda: ResNet(18, width=16),
    "resnet50": lambda: ResNet(50, width=8),
    "vgg16": lambda: VGG(16, width=16),
}


def parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


def build(make, seed=0):
    torch.manual_seed(seed)
    return make()


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: MLP(784, [300, 100], 10), (784 * 300 + 300) + (300 * 100 + 100) + (100 * 10 + 10)),
        (lambda: MLP(), 266_610),  # LeNet-300-100
        (lambda: MLP(64, [300, 100]), 50_610),
        (lambda: MLP(64, []), 650),
        # ResNets with the CIFAR stem, as widely published for 10 classes.
        (lambda: ResNet(18), 11_173_962),
        (lambda: ResNet(34), 21_282_122),
        (lambda: ResNet(50), 23_520_842),
        (lambda: ResNet(101), 42_512_970),
        (lambda: ResNet(18, num_classes=100), 11_173_962 + 90 * 513),
        (lambda: ResNet(18, in_channels=1), 11_173_962 - 2 * 9 * 64),
        # VGGs with batch norm and one linear layer, as widely published for 10 classes.
        (lambda: VGG(11), 9_231_114),
        (lambda: VGG(13), 9_416_010),
        (lambda: VGG(16), 14_728_266),
        (lambda: VGG(19), 20_040_522),
    ],
)
def test_networks_have_the_published_number_of_parameters(make, count):
    with torch.device("meta"):
        assert parameters(make()) == count


def small_image_resnet(depth):
    """Torchvision's ResNet with its first convolution and pool replaced for small images."""
    net = getattr(torchvision.models, f"resnet{depth}")(num_classes=10)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


def small_image_vgg(depth):
    """Torchvision's VGG features, their last pool one of averages over 2×2, and one linear layer."""
    features = getattr(torchvision.models, f"vgg{depth}_bn")(num_classes=1).features[:-1]
    return nn.Sequential(features, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(512, 10))


@pytest.mark.parametrize(
    ("make", "reference", "depth", "side"),
    [(ResNet, small_image_resnet, 18, 8), (ResNet, small_image_resnet, 50, 8), (VGG, small_image_vgg, 16, 32)],
)
def test_networks_compute_what_torchvisions_do_with_the_same_weights(make, reference, depth, side):
    mine = make(depth)
    with torch.device("meta"):
        theirs = reference(depth)
    values = {name: value.clone() for name, value in mine.state_dict().items()}
    theirs.load_state_dict(dict(zip(theirs.state_dict(), values.values(), strict=True)), assign=True)
    images = torch.randn(6, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        # Two passes: batch statistics, then the running ones that the first has moved.
        for training in (True, False):
            torch.testing.assert_close(
                mine.train(training)(images), theirs.train(training)(images), rtol=1e-3, atol=1e-3
            )


def test_an_mlp_is_matrix_products_with_relu_between():
    net = build(lambda: MLP(12, [7, 5], 3))
    images = torch.randn(4, 3, 2, 2)
    values = images.reshape(4, 12)
    for layer in net.hidden:
        values = (values @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(net(images), values @ net.fc.weight.T + net.fc.bias)


@pytest.mark.parametrize(
    ("make", "shape", "classes"),
    [
        (lambda: MLP(64, [8]), (1, 8, 8), 10),
        (lambda: MLP(3 * 5 * 7, [8], 4), (3, 5, 7), 4),
        *[(lambda d=d: ResNet(d, width=4, num_classes=100), (3, 32, 32), 100) for d in (18, 34, 50, 101)],
        (lambda: ResNet(18, width=4, in_channels=1), (1, 28, 28), 10),
        (lambda: ResNet(18, width=4), (3, 64, 64), 10),
        *[(lambda d=d: VGG(d, width=4, num_classes=7), (3, 32, 32), 7) for d in (11, 13, 16, 19)],
        (lambda: VGG(16, width=4, in_channels=1), (1, 64, 48), 10),
    ],
)
def test_logits_have_a_column_for_each_class(make, shape, classes):
    with torch.device("meta"):
        assert make()(torch.zeros(2, *shape)).shape == (2, classes)


@pytest.mark.parametrize(
    ("make", "kind", "shapes"),
    [
        (lambda: ResNet(18), nn.Sequential, [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]),
        (lambda: ResNet(50), nn.Sequential, [(256, 32, 32), (512, 16, 16), (1024, 8, 8), (2048, 4, 4)]),
        (lambda: ResNet(18, width=16), nn.Sequential, [(16, 32, 32), (32, 16, 16), (64, 8, 8), (128, 4, 4)]),
        (
            lambda: VGG(16),
            nn.MaxPool2d,
            [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)],
        ),
    ],
)
def test_each_stage_halves_the_image_and_widens(make, kind, shapes):
    seen = []
    with torch.device("meta"):
        net = make()
        stages = net.stages if kind is nn.Sequential else [m for m in net.features if isinstance(m, kind)]
        for stage in stages:
            stage.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape[1:])))
        net(torch.zeros(2, 3, 32, 32))
    assert seen == shapes


@pytest.mark.parametrize("name", NETS)
def test_weights_are_kaiming_normal_by_fan_in(name):
    net = build(NETS[name])
    standardised = []
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight = module.weight.detach()
            fan_in = weight[0].numel()  # inputs times kernel area
            standardised.append((weight / math.sqrt(2 / fan_in)).flatten())
            count = weight.numel()
            assert abs(standardised[-1].std() - 1) < 5 / math.sqrt(2 * count)
            assert abs(standardised[-1].mean()) < 5 / math.sqrt(count)
    sample = torch.cat(standardised)[::17].numpy()
    assert stats.kstest(sample, "norm").pvalue > 1e-4


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg16"])
def test_norm_scales_are_uniform_and_shifts_zero(name):
    norms = [module for module in build(NETS[name]).modules() if isinstance(module, nn.BatchNorm2d)]
    scales = torch.cat([norm.weight.detach() for norm in norms])
    assert 0 <= scales.min() < 0.01
    assert 0.99 < scales.max() <= 1
    assert stats.kstest(scales.numpy(), "uniform").pvalue > 1e-4
    for norm in norms:
        assert (norm.bias == 0).all()
        assert (norm.running_mean == 0).all()
        assert (norm.running_var == 1).all()


def test_initialising_leaves_biases_to_pytorch():
    layer = nn.Linear(100, 400)
    bias = layer.bias.detach().clone()
    initialize(layer)
    assert torch.equal(layer.bias, bias)
    assert 0 < bias.abs().max() <= 0.1  # 1 / sqrt(inputs)


@pytest.mark.parametrize("name", NETS)
def test_a_seed_decides_every_weight(name):
    first, again, other = (build(NETS[name], seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = [key for key in first if key.endswith("weight")]
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


@pytest.mark.parametrize("name", NETS)
def test_every_parameter_gets_a_gradient(name):
    net = build(NETS[name])
    shape = (2, 1, 28, 28) if name == "lenet" else (2, 3, 32, 32)
    net(torch.randn(shape)).square().sum().backward()
    without = [key for key, value in net.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", NETS)
def test_the_output_layer_is_named_fc(name):
    net = build(NETS[name])
    assert isinstance(net.fc, nn.Linear)
    assert list(net.modules())[-1] is net.fc
