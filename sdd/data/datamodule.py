"""The data of an experiment: a data set, a subset of it, label noise, and loaders over tensors in memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sdd.data.datasets import DATASETS, Dataset, DatasetName, check_dataset
from sdd.data.image_folder import load_image_folder
from sdd.data.loader import Batch, PlainLoader, TrainLoader, View
from sdd.data.noise import (
    Labels,
    NoiseType,
    NoisyLabels,
    add_noise,
    check_noise,
    read_human_labels,
)
from sdd.data.transforms import Augmentation, Normalisation
from sdd.errors import UserError
from sdd.seeding import Stream


@dataclass
class Split:
    """One part of the data, on one device.

    Attributes:
        images: uint8 of shape [N, channels, height, width].
        labels: The labels that are trained or tested on, noisy for the training part; int64 of shape [N].
        true_labels: The labels before noise, int64 of shape [N].
        flipped: True where the two differ, bool of shape [N].
    """

    images: Tensor
    labels: Tensor
    true_labels: Tensor
    flipped: Tensor

    def to(self, device: torch.device) -> "Split":
        """Return the split on a device; the same tensors where they are there already."""
        return Split(
            self.images.to(device),
            self.labels.to(device),
            self.true_labels.to(device),
            self.flipped.to(device),
        )


class NoisyLabelData(pl.LightningDataModule):
    """Images in memory with noisy training labels and a clean test set.

    The subset, the noise and the training draws come from three seeds that do not depend on each other, so runs
    with different training seeds see the same examples with the same wrong labels.

    Args:
        dataset: Which data set. `digits` needs no download; `image_folder` reads any folder of classes.
        root: Folder of the data set; torchvision's sets are downloaded into it.
        train_size: Training examples to use; null: all that `val_size` leaves.
        val_size: Training examples kept aside for validation, with label noise of their own draw. The test set
            is never used for it.
        subset_seed: Decides which training examples are used where not all are.
        noise_type: `uniform`: ⌈rate × N⌉ labels redrawn over all classes, so a fraction of about rate × (1 − 1/C)
            is really wrong; `symmetric`: each label moves to one of the other classes with probability rate;
            `pairflip`: to the next class; `asymmetric`: to a look-alike class; `human`: labels from a file.
        noise_rate: Rate of the label noise, in [0, 1]. Not used by `human`.
        noise_seed: Decides which labels are wrong, and how.
        noise_file: For `human`: a CIFAR-N file (.pt), a .npy or a text file with one label per example.
        noise_key: For `human`: which labels of a CIFAR-N file, such as worse_label, aggre_label or noisy_label.
        batch_size: Training examples a step, over all devices together.
        eval_batch_size: Examples a batch in evaluation.
        augment: `none`; `crop_flip`: crop with padding 4 and mirror; `resized_crop_flip`: random resized crop
            to `image_size` and mirror.
        image_size: Side of the square that the network sees; null: the stored size.
        eval_resize: Shorter side to resize to before the centre crop to `image_size` in evaluation.
        load_size: For image_folder: side of the square that images of differing sizes are brought to when read.
        seed: Training seed, of batch order and augmentation. Linked to `seed_everything` on the command line.

    Raises:
        UserError: An argument is outside what is allowed, or they contradict each other.
    """

    PLACE: ClassVar[frozenset[str]] = frozenset({"eval_batch_size"})

    def __init__(
        self,
        dataset: DatasetName = "digits",
        root: str = "data",
        train_size: int | None = None,
        val_size: int = 0,
        subset_seed: int = 0,
        noise_type: NoiseType = "symmetric",
        noise_rate: float = 0.0,
        noise_seed: int = 0,
        noise_file: str | None = None,
        noise_key: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int = 1000,
        augment: Augmentation = "none",
        image_size: int | None = None,
        eval_resize: int | None = None,
        load_size: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_dataset(dataset)
        check_noise(noise_type, noise_rate)
        if noise_type == "human" and noise_file is None:
            raise UserError("noise type human needs a file of labels: set --data.noise_file")
        positive = {
            "train_size": train_size,
            "batch_size": batch_size,
            "eval_batch_size": eval_batch_size,
            "image_size": image_size,
            "eval_resize": eval_resize,
            "load_size": load_size,
        }
        for name, value in positive.items():
            if value is not None and value < 1:
                raise UserError(f"data.{name} is {value}; it must be at least 1")
        if val_size < 0:
            raise UserError(f"data.val_size is {val_size}; it must be at least 0")
        if eval_resize is not None and (image_size is None or eval_resize < image_size):
            raise UserError(
                f"data.eval_resize is {eval_resize}, but the centre crop after it takes data.image_size "
                f"({image_size}): set an image_size that is no larger"
            )
        if load_size is not None and dataset != "image_folder":
            raise UserError(f"data.load_size is for the data set image_folder, not for {dataset}")
        self.dataset, self.root = dataset, Path(root).expanduser()
        self.train_size, self.val_size, self.subset_seed = train_size, val_size, subset_seed
        self.noise_type: NoiseType = noise_type
        self.noise_rate, self.noise_seed = noise_rate, noise_seed
        self.noise_file, self.noise_key = noise_file, noise_key
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.augment: Augmentation = augment
        self.image_size, self.eval_resize, self.load_size = image_size, eval_resize, load_size
        self.seed = seed
        self._content: Dataset | None = None
        self._splits: dict[str, Split] = {}

    def load(self) -> None:
        """Read the data set and make its labels noisy; a second call does nothing.

        Raises:
            UserError: The data are missing or do not fit the arguments.
        """
        if self._content is not None:
            return
        if self.dataset == "image_folder":
            content = load_image_folder(self.root, self.load_size)
        else:
            content = DATASETS[self.dataset](self.root)
        if self.noise_type == "asymmetric" and content.look_alikes is None:
            raise UserError(
                f"asymmetric noise is not defined for {self.dataset}; allowed there: uniform, symmetric, "
                "pairflip, human"
            )
        self._splits = self._split(content)
        self._content = content

    @property
    def content(self) -> Dataset:
        """The data set as it was read, before noise and subset."""
        self.load()
        assert self._content is not None
        return self._content

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.content.num_classes

    def split(self, name: str) -> Split:
        """Return the part `train`, `val` or `test` on the device in use.

        Raises:
            UserError: There is no validation part.
        """
        self.load()
        if name not in self._splits:
            raise UserError("there is no validation split: set --data.val_size to a number of training examples")
        return self._splits[name]

    def view(self) -> View:
        """Return how the network sees stored images on the device in use."""
        content = self.content
        device = self._splits["train"].images.device
        return View(
            Normalisation.of(content.mean, content.std, device),
            self.augment,
            self.image_size,
            self.eval_resize,
        )

    def setup(self, stage: str) -> None:
        """Load, and move all data to the device of this process once."""
        self.load()
        if self.trainer is None:
            return
        device = self.trainer.strategy.root_device
        self._splits = {name: split.to(device) for name, split in self._splits.items()}
        if self.batch_size % self.trainer.world_size:
            raise UserError(
                f"data.batch_size {self.batch_size} is split over {self.trainer.world_size} processes and must be "
                "a multiple of them"
            )

    def train_dataloader(self) -> TrainLoader:
        """Return shuffled, augmented batches with noisy labels."""
        train = self.split("train")
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return TrainLoader(train.images, train.labels, self.batch_size, self.view(), self.seed, rank, world_size)

    def draw_batches(self, count: int, generator: torch.Generator) -> list[Batch]:
        """Draw batches of training examples with their noisy labels, without augmentation.

        Args:
            count: How many, of `batch_size` examples each.
            generator: CPU generator.
        """
        train, view = self.split("train"), self.view()
        order = torch.randperm(len(train.labels), generator=generator).to(train.labels.device)
        chosen = torch.split(order, self.batch_size)[:count]
        return [(view.plain(train.images[index]), train.labels[index]) for index in chosen]

    def plain_loader(self, name: str) -> PlainLoader:
        """Return the part `train`, `val` or `test` in stored order without augmentation."""
        split = self.split(name)
        return PlainLoader(split.images, split.labels, self.eval_batch_size, self.view())

    def val_dataloader(self) -> PlainLoader | list[PlainLoader]:
        """Return the validation part, or nothing where `val_size` is 0."""
        return self.plain_loader("val") if self.val_size else []

    def test_dataloader(self) -> PlainLoader:
        """Return the clean test set."""
        return self.plain_loader("test")

    def _split(self, content: Dataset) -> dict[str, Split]:
        available = len(content.train_labels)
        train_size = available - self.val_size if self.train_size is None else self.train_size
        if train_size < 1 or train_size + self.val_size > available:
            raise UserError(
                f"data.train_size {train_size} and data.val_size {self.val_size} do not fit the {available} "
                f"training examples of {self.dataset}"
            )
        if self.image_size is not None and self.augment == "none" and self.eval_resize is None:
            stored = min(content.train_images.shape[-2:])
            if self.image_size > stored:
                raise UserError(
                    f"data.image_size {self.image_size} is larger than the stored images ({stored}); "
                    "set --data.eval_resize as well to enlarge them"
                )
        order = Stream(self.subset_seed, "training subset").permutation(available)
        human = None
        if self.noise_type == "human":
            assert self.noise_file is not None
            human = read_human_labels(
                Path(self.noise_file).expanduser(), self.noise_key, available, content.num_classes
            )
        chosen = {"train": order[:train_size]}
        if self.val_size:
            chosen["val"] = order[train_size : train_size + self.val_size]
        splits = {name: self._noisy_split(content, name, np.sort(places), human) for name, places in chosen.items()}
        splits["test"] = _as_split(content.test_images, content.test_labels, None)
        return splits

    def _noisy_split(self, content: Dataset, name: str, places: npt.NDArray[np.int64], human: Labels | None) -> Split:
        true_labels = content.train_labels[places]
        noisy = add_noise(
            true_labels,
            content.num_classes,
            self.noise_type,
            self.noise_rate,
            Stream(self.noise_seed, f"{name} label noise"),
            content.look_alikes,
            None if human is None else human[places],
        )
        return _as_split(content.train_images[torch.from_numpy(places)], true_labels, noisy)


def _as_split(images: Tensor, true_labels: Labels, noisy: NoisyLabels | None) -> Split:
    labels = true_labels if noisy is None else noisy.labels
    return Split(
        images=images.contiguous(),
        labels=torch.from_numpy(labels.astype(np.int64)),
        true_labels=torch.from_numpy(true_labels.astype(np.int64)),
        flipped=torch.from_numpy(labels != true_labels),
    )
