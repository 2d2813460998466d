"""Fully connected networks; LeNet-300-100 is `MLP(784, [300, 100])`."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from sdd.given_arguments import KeepsArguments
from sdd.models.initialize import initialize


class MLP(KeepsArguments, nn.Module):
    """Linear layers with ReLU between them, on flattened images.

    Args:
        in_features: Values in one example, such as 784 for MNIST.
        widths: Units of each hidden layer.
        num_classes: Outputs of the last layer, `fc`.
    """

    def __init__(self, in_features: int = 784, widths: Sequence[int] = (300, 100), num_classes: int = 10) -> None:
        super().__init__()
        sizes = [in_features, *widths]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.fc = nn.Linear(sizes[-1], num_classes)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images of shape [B, ...] to logits of shape [B, num_classes]."""
        features = images.flatten(1)
        for layer in self.hidden:
            features = layer(features).relu()
        logits: Tensor = self.fc(features)
        return logits
