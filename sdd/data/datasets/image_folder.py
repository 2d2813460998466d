"""Any folder of classes as a data set: `train/CLASS/*` and `test/CLASS/*` (or `val/CLASS/*`).

Tiny ImageNet is read as it is unpacked: its `val` folder holds unsorted images and `val_annotations.txt`.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sdd.data.datasets import IMAGENET_MEAN, IMAGENET_STD, Dataset, DataSource
from sdd.errors import UserError

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff", ".webp"}
_ANNOTATIONS = "val_annotations.txt"


def load_image_folder(root: Path, *, load_size: int | None = None) -> Dataset:
    """Read every image of a folder of classes.

    Args:
        root: Folder with `train` and `test` (or `val`), each with a folder a class. Classes are numbered in the
            alphabetical order of their names.
        load_size: Side of the square that every image is brought to as it is read: its shorter side is resized
            to this, then its centre is cut out. None: as they are, and all must be of one size.

    Raises:
        UserError: A folder is missing or empty, the classes of the two parts differ, an image cannot be read,
            or sizes differ.
    """
    train_root = root / "train"
    test_root = next((root / name for name in ("test", "val") if (root / name).is_dir()), None)
    if not train_root.is_dir() or test_root is None:
        raise UserError(
            f"no folder of classes in {root.resolve()}: put images into train/CLASS/ and test/CLASS/ (or val/CLASS/) "
            "there, or set --data.root"
        )
    classes = sorted(entry.name for entry in train_root.iterdir() if entry.is_dir())
    train = _sorted_images(train_root, classes)
    annotations = test_root / _ANNOTATIONS
    if annotations.is_file():
        test = _annotated_images(annotations, classes)
    else:
        found = sorted(entry.name for entry in test_root.iterdir() if entry.is_dir())
        if found != classes:
            differing = sorted(set(found) ^ set(classes))
            raise UserError(
                f"{train_root} and {test_root} differ in their classes: {', '.join(differing[:5])} "
                f"({len(differing)} in one of them only)"
            )
        test = _sorted_images(test_root, classes)
    for part, name in ((train, train_root), (test, test_root)):
        if not part:
            raise UserError(f"no images in {name}; known endings: {', '.join(sorted(_SUFFIXES))}")
    images = _read_images([path for path, _ in train + test], load_size)
    labels = np.array([label for _, label in train + test], dtype=np.int64)
    cut = len(train)
    return Dataset(
        train_images=images[:cut],
        train_labels=labels[:cut],
        test_images=images[cut:],
        test_labels=labels[cut:],
        num_classes=len(classes),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def _sorted_images(folder: Path, classes: list[str]) -> list[tuple[Path, int]]:
    return [
        (Path(path) / name, label)
        for label, class_name in enumerate(classes)
        for path, folders, names in _sorted_walk(folder / class_name)
        for name in sorted(names)
        if Path(name).suffix.lower() in _SUFFIXES
    ]


def _sorted_walk(folder: Path) -> list[tuple[str, list[str], list[str]]]:
    return sorted(os.walk(folder, followlinks=True))


def _annotated_images(annotations: Path, classes: list[str]) -> list[tuple[Path, int]]:
    number = {name: label for label, name in enumerate(classes)}
    found = []
    for line_number, line in enumerate(annotations.read_text().splitlines(), 1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in number:
            raise UserError(f"{annotations}:{line_number}: not 'image<tab>class' with a class of train/: {line!r}")
        found.append((annotations.parent / "images" / fields[0], number[fields[1]]))
    return sorted(found)


def _read_images(paths: list[Path], load_size: int | None) -> Tensor:
    """Decode images on all cores to uint8 of shape [N, 3, height, width]."""

    def read(path: Path) -> npt.NDArray[np.uint8]:
        try:
            with Image.open(path) as image:
                if image.mode.startswith(("I", "F")):  # Pillow would clip these to white
                    raise ValueError(f"its grey values (mode {image.mode}) have more than 8 bits")
                pixels = image.convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(f"cannot read the image {path}: {error}") from error
        if load_size is not None:
            pixels = _centre_square(pixels, load_size)
        return np.asarray(pixels)

    first = read(paths[0])
    images = np.empty((len(paths), *first.shape), dtype=np.uint8)

    def place(index: int) -> None:
        pixels = read(paths[index])
        if pixels.shape != first.shape:
            raise UserError(
                f"images differ in size: {paths[0]} is {first.shape[1]}×{first.shape[0]}, {paths[index]} is "
                f"{pixels.shape[1]}×{pixels.shape[0]}; set --data.load_size to bring all to one square"
            )
        images[index] = pixels

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(place, range(len(paths)), chunksize=64):
            pass
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def _centre_square(image: Image.Image, side: int) -> Image.Image:
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


PART = DataSource(load_image_folder)
