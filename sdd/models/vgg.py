"""VGG with batch norm for 32×32 images and one linear layer as its head (Simonyan & Zisserman 2015; He et al. 2022)."""

from typing import Literal

from torch import Tensor, nn

from sdd.given_arguments import KeepsArguments
from sdd.models.initialize import initialize

# Convolutions of each of the five stages, by depth.
_STAGES: dict[int, tuple[int, ...]] = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(KeepsArguments, nn.Module):
    """VGG-11, -13, -16 or -19 with batch norm and a 512-dimensional linear head, as the paper has it.

    Convolutions have biases; a max-pool follows each of the first four stages, an average pool the last.

    Args:
        depth: 11, 13, 16 or 19.
        width: Channels of the first stage; 64 is the paper's. Later stages have 2, 4, 8 and 8 times as many.
        num_classes: Outputs of the last layer, `fc`.
        in_channels: Channels of an image. Images are at least 16 pixels high and wide.
    """

    def __init__(
        self,
        depth: Literal[11, 13, 16, 19] = 16,
        width: int = 64,
        num_classes: int = 10,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for stage, count in enumerate(_STAGES[depth]):
            planes = width * min(2**stage, 8)
            for _ in range(count):
                layers += [
                    nn.Conv2d(channels, planes, 3, padding=1),
                    nn.BatchNorm2d(planes),
                    nn.ReLU(inplace=True),
                ]
                channels = planes
            if stage < len(_STAGES[depth]) - 1:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images of shape [B, in_channels, height, width] to logits of shape [B, num_classes]."""
        logits: Tensor = self.fc(self.pool(self.features(images)).flatten(1))
        return logits
