"""From stored images to network inputs: augmentation, size, normalisation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sdd.data.array_text import described
from sdd.data.augmentations import Augmentation
from sdd.data.augmentations.none import PART as NONE
from sdd.data.transforms import Normalisation, resize_centre_crop
from sdd.errors import UserError
from sdd.failures import naming
from sdd.seeding import torch_generator


@dataclass(frozen=True)
class View:
    """The map from stored images to network inputs.

    Attributes:
        normalise: Map from grey values to network inputs.
        augmentation: What happens to training images.
        image_size: Side of the square that the network sees, in pixels; None: the stored size.
        eval_resize: Shorter side before the centre crop without augmentation, in pixels; None: `image_size`.
    """

    normalise: Normalisation
    augmentation: Augmentation = NONE
    image_size: int | None = None
    eval_resize: int | None = None

    def is_pointwise(self, images: Tensor) -> bool:
        """Whether each value of a training input depends on one stored value alone, and on no draw.

        Args:
            images: Stored ones, uint8 of shape [N, C, H, W].
        """
        return self.augmentation is NONE and not self._resizes(images)

    def _resizes(self, images: Tensor) -> bool:
        size = self.image_size
        return size is not None and (self.eval_resize is not None or tuple(images.shape[-2:]) != (size, size))

    def plain(self, images: Tensor) -> Tensor:
        """Map images to network inputs without augmentation.

        Args:
            images: Of shape [B, C, H, W], uint8 or float in [0, 255].

        Returns:
            float32 of shape [B, C, image_size, image_size], or [B, C, H, W] where there is no `image_size`.
        """
        if not self._resizes(images):
            return self.normalise(images)
        size = self._side(images)
        return self.normalise(resize_centre_crop(images, self.eval_resize or size, size))

    def augmented(self, images: Tensor, drawn: object) -> Tensor:
        """Map training images to network inputs.

        Args:
            images: Stored ones, uint8 of shape [B, C, H, W].
            drawn: What the augmentation drew for them, on their device.

        Returns:
            float32 of shape [B, C, height, width].
        """
        seen = self.augmentation.apply(images, drawn, self._side(images))
        return self.normalise(seen) if self.augmentation.resizes else self.plain(seen)

    def check_augmentation(self, name: str, images: Tensor) -> None:
        """Apply the augmentation to a few images, to find out before the training whether it works.

        Args:
            name: Of it, as the user gave it.
            images: A few stored ones, uint8 of shape [B, C, H, W].

        Raises:
            UserError: It does not draw a row for each image, or does not give images of the right shape.
        """
        count, channels, height, width = images.shape
        with naming(f"data.augment {name}"):
            drawn = self.augmentation.draw(count, (height, width), torch_generator(0, "trial of an augmentation"))
        for part in drawn if isinstance(drawn, tuple) else (drawn,):
            if part is not None and not (isinstance(part, Tensor) and part.ndim and len(part) == count):
                raise UserError(
                    f"data.augment {name} draws {described(part)} for {count} images; it must draw tensors with as "
                    "many rows, a tuple of them, or None"
                )
        side = self._side(images)
        with naming(f"data.augment {name}"):
            seen = self.augmentation.apply(images.clone(), drawn, side)
        wanted = [count, channels, *((side, side) if self.augmentation.resizes else (height, width))]
        if (
            not isinstance(seen, Tensor)
            or list(seen.shape) != wanted
            or not (seen.dtype is torch.uint8 or seen.is_floating_point())
        ):
            raise UserError(
                f"data.augment {name} gives {described(seen)}; it must give a tensor of uint8 or float of "
                f"shape {wanted}"
            )

    def _side(self, images: Tensor) -> int:
        return self.image_size or min(images.shape[-2:])
