"""Networks as plain `nn.Module`s, initialised as in the paper; adding one touches one file."""

from sdd.models.mlp import MLP
from sdd.models.resnet import ResNet
from sdd.models.vgg import VGG

__all__ = ["MLP", "VGG", "ResNet"]
