"""ResNets for small images: a 3×3 first convolution with stride 1 and no max-pool (He et al. 2016, section 4.2)."""

from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from sdd.given_arguments import KeepsArguments
from sdd.models.initialize import initialize

if TYPE_CHECKING:
    from torchvision.models.resnet import BasicBlock, Bottleneck

_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual blocks of each stage, by depth."""

_BASIC = (18, 34)  # depths of basic blocks; the others have bottlenecks


class ResNet(KeepsArguments, nn.Module):
    """ResNet-18, -34, -50 or -101 with the CIFAR stem, of any width, over torchvision's residual blocks.

    Args:
        depth: 18, 34, 50 or 101.
        width: Channels of the first stage; 64 is the paper's, smaller ones make small experiments.
        num_classes: Outputs of the last layer, `fc`.
        in_channels: Channels of an image.
    """

    def __init__(
        self,
        depth: Literal[18, 34, 50, 101] = 18,
        width: int = 64,
        num_classes: int = 10,
        in_channels: int = 3,
    ) -> None:
        from torchvision.models.resnet import BasicBlock, Bottleneck  # takes a second, and few runs are of ResNets

        super().__init__()
        block: type[BasicBlock | Bottleneck] = BasicBlock if depth in _BASIC else Bottleneck
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        stages: list[nn.Module] = []
        channels = width
        for stage, count in enumerate(_STAGES[depth]):
            planes = width * 2**stage
            blocks: list[nn.Module] = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(_block(block, channels, planes, stride))
                channels = planes * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images of shape [B, in_channels, height, width] to logits of shape [B, num_classes]."""
        features = self.stages(self.relu(self.norm(self.conv(images))))
        logits: Tensor = self.fc(self.pool(features).flatten(1))
        return logits


def _block(kind: "type[BasicBlock | Bottleneck]", channels: int, planes: int, stride: int) -> nn.Module:
    out = planes * kind.expansion
    shortcut = None
    if stride != 1 or channels != out:
        shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))
    block: nn.Module = kind(channels, planes, stride, shortcut)
    return block
