"""Vision transformers (Dosovitskiy et al. 2021) for small images: torchvision's, with settings like our others'."""

from torch import nn
from torchvision.models import VisionTransformer

from sdd.given_arguments import KeepsArguments


class ViT(KeepsArguments, VisionTransformer):  # type: ignore[misc]
    """A class token and patches, pre-norm encoder blocks of attention and an MLP, a linear layer on the token.

    Weights are drawn as torchvision draws them: the last layer, `heads.head`, starts at zero.

    Args:
        image_size: Side of the images in pixels, a multiple of `patch_size`.
        patch_size: Side of a patch in pixels.
        depth: Encoder blocks.
        heads: Attention heads of each block.
        width: Size of a token, a multiple of `heads`; the hidden layer of a block's MLP is four times as wide.
        dropout: Rate of dropout in the blocks, in [0, 1).
        in_channels: Of the images.
        num_classes: Number of classes.

    Raises:
        ValueError: `image_size` is no multiple of `patch_size`, or `width` none of `heads`.
    """

    def __init__(
        self,
        image_size: int = 32,
        patch_size: int = 4,
        depth: int = 6,
        heads: int = 4,
        width: int = 192,
        dropout: float = 0.0,
        in_channels: int = 3,
        num_classes: int = 10,
    ) -> None:
        for name, size, part in (("image_size", image_size, patch_size), ("width", width, heads)):
            if size < 1 or part < 1 or size % part:
                of = "patch_size" if name == "image_size" else "heads"
                raise ValueError(f"{name} is {size}; it must be a multiple of {of}, {part}")
        super().__init__(
            image_size, patch_size, depth, heads, width, 4 * width, dropout=dropout, num_classes=num_classes
        )
        if in_channels != 3:
            projection = nn.Conv2d(in_channels, width, patch_size, patch_size)
            nn.init.trunc_normal_(projection.weight, std=(in_channels * patch_size**2) ** -0.5)
            if projection.bias is not None:
                nn.init.zeros_(projection.bias)
            self.conv_proj = projection
