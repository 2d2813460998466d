"""Masks as buffers of a module, which devices move and checkpoints hold."""

from collections.abc import Mapping

from torch import Tensor, nn

from sdd.pruning.masks import buffer_name, parameter_name


class MaskBuffers(nn.Module):
    """Masks by parameter name, bool [...] of the parameter's shape, kept in checkpoints."""

    def __init__(self, masks: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, mask in masks.items():
            self.register_buffer(buffer_name(name), mask)

    def by_name(self) -> dict[str, Tensor]:
        """Return the masks, each bool [...], under the names of their parameters."""
        return {parameter_name(name): buffer for name, buffer in self.named_buffers()}
