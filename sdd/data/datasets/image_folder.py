"""Any folder of classes as a data set: `train/CLASS/*` and `test/CLASS/*` (or `val/CLASS/*`).

Tiny ImageNet is read as its zip unpacks: the images of `val` are told apart by `val_annotations.txt`, those of `test`
have no labels and are left alone. So are, everywhere, files and folders whose names start with a dot.
"""

import os
import stat
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from sdd.console import Progress, is_first_process
from sdd.data.datasets import IMAGENET_MEAN, IMAGENET_STD, Dataset, DataSource
from sdd.errors import UserError
from sdd.failures import naming
from sdd.files import read_text
from sdd.messages import one_line
from sdd.places import resolved

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff", ".webp"}
_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP")
"""What a file may hold, whatever its ending says: others, such as EPS, would have Pillow start further programs."""

_ONE_PICTURE = ("JPEG", "MPO")
"""Formats whose further pictures are previews of the first."""

_LARGEST = 80_000_000
"""Pixels of an image; a small file may claim to hold any number."""
_ANNOTATIONS = "val_annotations.txt"
_SHOWN = 5
_BLOCK = 64
"""Images that a thread reads at a time."""


def load_image_folder(root: Path, *, load_size: int | None = None) -> Dataset:
    """Read every image of a folder of classes.

    Images are ordered by class, within a class by folder and then by name; `python -m sdd data --list` prints them so.

    Args:
        root: Folder with `train` and `test` (or `val`), each with a folder a class. Classes are numbered in the
            alphabetical order of their names.
        load_size: Side of the square that every image is brought to as it is read: its shorter side is resized
            to this, then its centre is cut out. None: as they are, and all must be of one size.

    Raises:
        UserError: A folder or a class is missing or empty, the classes of the two parts differ, an image cannot be
            read, or sizes differ.
    """
    train_root, test_root = root / "train", _test_root(root)
    if not train_root.is_dir() or test_root is None:
        raise UserError(
            f"no folder of classes in {resolved(root)}: put images into train/CLASS/ and test/CLASS/ (or val/CLASS/) "
            "there, or set --data.root"
        )
    classes = _classes(train_root)
    train = _sorted_images(train_root, classes)
    annotations = test_root / _ANNOTATIONS
    if annotations.is_file():
        test = _annotated_images(annotations, classes)
    else:
        found = _classes(test_root)
        if found != classes:
            raise UserError(f"{train_root} and {test_root} differ in their classes: {_differing(classes, found)}")
        test = _sorted_images(test_root, classes)
    for part, name in ((train, train_root), (test, test_root)):
        if not part:
            raise UserError(f"no images in {name}; known endings: {', '.join(sorted(_SUFFIXES))}")
        _check_no_class_is_empty(part, name, classes)
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
        classes=classes,
        train_files=[path for path, _ in train],
        test_files=[path for path, _ in test],
    )


def _test_root(root: Path) -> Path | None:
    """Return the folder to test on: `val` where it has annotations, as Tiny ImageNet's, else `test`, else `val`."""
    if (root / "val" / _ANNOTATIONS).is_file():
        return root / "val"
    return next((root / name for name in ("test", "val") if (root / name).is_dir()), None)


def _classes(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _differing(classes: Sequence[str], found: Sequence[str]) -> str:
    """Return in which classes the two parts differ, in words."""
    names = sorted({*classes} ^ {*found})
    shown = f"{', '.join(names[:_SHOWN])} ({len(names)} in one of them only)"
    lower = {name.lower(): name for name in classes}
    alike = [(lower[name.lower()], name) for name in found if name not in classes and name.lower() in lower]
    return f"{shown}; {alike[0][0]} and {alike[0][1]} must be written alike" if alike else shown


def _check_no_class_is_empty(part: Sequence[tuple[str, int]], folder: Path, classes: Sequence[str]) -> None:
    held = {label for _, label in part}
    empty = [name for label, name in enumerate(classes) if label not in held]
    if empty:
        more = f" and {len(empty) - _SHOWN} more" if len(empty) > _SHOWN else ""
        raise UserError(
            f"{folder} has no images of {', '.join(empty[:_SHOWN])}{more}: label noise would move labels to a class "
            "without examples; put images there, or remove the class from both parts"
        )


def _sorted_images(folder: Path, classes: list[str]) -> list[tuple[str, int]]:
    return [
        (os.path.join(path, name), label)
        for label, class_name in enumerate(classes)
        for path, names in _sorted_walk(folder / class_name)
        for name in sorted(names)
        if os.path.splitext(name)[1].lower() in _SUFFIXES
    ]


def _sorted_walk(folder: Path) -> list[tuple[str, list[str]]]:
    """Return each folder below one, itself included, with the files in it; without those that start with a dot.

    Raises:
        UserError: A link leads back to a folder that it is in.
    """
    found = []
    for path, folders, names in os.walk(folder, followlinks=True):
        place = Path(path)
        if place.is_symlink() and any(resolved(above).is_relative_to(resolved(place)) for above in place.parents):
            raise UserError(
                f"{place} is a link to a folder that it is in, so that its images would be read again and again: "
                "remove it"
            )
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.append((path, [name for name in names if not name.startswith(".")]))
    return sorted(found)


def _annotated_images(annotations: Path, classes: list[str]) -> list[tuple[str, int]]:
    number = {name: label for label, name in enumerate(classes)}
    found: dict[str, int] = {}
    for line_number, line in enumerate(read_text(annotations).splitlines(), 1):
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in number:
            raise UserError(f"{annotations}:{line_number}: not 'image<tab>class' with a class of train/: {line!r}")
        path = str(annotations.parent / "images" / fields[0])
        if path in found:
            raise UserError(f"{annotations}:{line_number}: {fields[0]} has a class already: name each image once")
        found[path] = number[fields[1]]
    return sorted(found.items(), key=lambda entry: Path(entry[0]))  # by folder, then by name


def _read_images(paths: Sequence[str], load_size: int | None) -> Tensor:
    """Decode images on all cores to uint8 of shape [N, 3, height, width], each straight into its place."""

    def read(path: str) -> npt.NDArray[np.uint8]:
        with naming(f"the image {path}, as it was read,"):
            pixels = _pixels(path)
            return np.asarray(pixels if load_size is None else _centre_square(pixels, load_size))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow; what matters is an error here
        return _in_place(paths, read)


def _pixels(path: str) -> Image.Image:
    """Read one image in RGB, if it is one of 8 bits a channel and of a size that one may have."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("it is no file")  # reading a pipe would wait for ever
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > _LARGEST:
                raise ValueError(f"it claims to be of {width}×{height} pixels; allowed are {_LARGEST:,} in all")
            if image.mode.startswith(("I", "F")):  # Pillow would clip these to white
                raise ValueError(f"its grey values (mode {image.mode}) have more than 8 bits")
            if image.format not in _ONE_PICTURE and getattr(image, "is_animated", False):
                raise ValueError("it holds several pictures, as a film does; allowed is one")
            pixels: Image.Image = image.convert("RGB")
    except UnidentifiedImageError as error:
        raise UserError(
            f"cannot read the image {path}: it holds no image of a known format ({', '.join(_FORMATS)})"
        ) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read the image {path}: {one_line(str(error))}") from error
    return pixels


def _in_place(paths: Sequence[str], read: Callable[[str], npt.NDArray[np.uint8]]) -> Tensor:
    """Read images in blocks, several at once, into one tensor, uint8 [N, 3, height, width]."""
    height, width, _ = read(paths[0]).shape
    images = np.empty((len(paths), 3, height, width), dtype=np.uint8)

    def place(block: range) -> int:
        for index in block:
            pixels = read(paths[index])
            if pixels.shape[:2] != (height, width):
                raise UserError(
                    f"images differ in size: {paths[0]} is {width}×{height}, {paths[index]} is "
                    f"{pixels.shape[1]}×{pixels.shape[0]}; set --data.load_size to bring all to one square"
                )
            images[index] = pixels.transpose(2, 0, 1)
        return len(block)

    every = range(len(paths))
    blocks = [every[start : start + _BLOCK] for start in every[::_BLOCK]]
    bar = Progress(len(paths), 0, "image", smoothing=0.05, show="auto" if is_first_process() else "none")
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for count in pool.map(place, blocks):
                bar.move_to(bar.done + count, "images read")
    finally:
        bar.close()
    return torch.from_numpy(images)


def _centre_square(image: Image.Image, side: int) -> Image.Image:
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))


PART = DataSource(load_image_folder)
