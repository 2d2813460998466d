"""The paper's initialisation."""

from torch import nn


def initialize(net: nn.Module) -> None:
    """Draw weights as the paper's code does (He et al. 2022, appendix A), from the global generator.

    Conv and linear weights: Kaiming normal (He et al. 2015) by fan-in with the gain of ReLU; their biases keep
    PyTorch's default. Batch norm: scale uniform in [0, 1], shift 0.

    Args:
        net: Any network; other kinds of module are left as they are.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight)
            nn.init.zeros_(module.bias)
