"""The data of an experiment: a data set, its splits with noisy labels, and loaders over tensors in memory."""

from copy import copy
from dataclasses import replace
from typing import Any, ClassVar, Literal

import lightning.pytorch as pl
import torch
from torch import Tensor

from sdd.data.augmentations import AUGMENTATIONS
from sdd.data.datasets import Dataset
from sdd.data.label_noise import LabelNoise
from sdd.data.loader import Batch, PlainLoader, TrainLoader
from sdd.data.noise import NOISE_TYPES
from sdd.data.reading import chosen_source, read
from sdd.data.splits import Split, choose_examples, make_splits
from sdd.data.transforms import Normalisation
from sdd.data.view import View
from sdd.errors import UserError
from sdd.given_arguments import KeepsArguments
from sdd.parts import check_choice
from sdd.places import place_of


class NoisyLabelData(KeepsArguments, pl.LightningDataModule):
    """Images in memory with noisy training labels and a clean test set.

    The subset, the noise and the training draws come from three seeds that do not depend on each other, so runs
    with different training seeds see the same examples with the same wrong labels.

    Data sets, noise types and augmentations are built in, by their names, or anyone's own, by an import path.

    Args:
        dataset: Which data set: `digits` needs no download, `mnist`, `fashion_mnist`, `cifar10` and `cifar100` are
            downloaded, `image_folder` reads any folder of classes; or the import path of a function from a folder to
            an `sdd.data.datasets.Dataset`.
        root: Folder of the data set; torchvision's sets are downloaded into it.
        dataset_args: Arguments of the data set's own, by name.
        train_size: Training examples to use; null: all that `val_size` leaves.
        val_size: Training examples kept aside for validation, with label noise of their own draw. The test set
            is never used for it.
        subset_seed: Decides which training examples are used where not all are.
        noise_type: `uniform`: ⌈rate × N⌉ labels redrawn over all classes, so a fraction of about rate × (1 − 1/C)
            is really wrong; `symmetric`: each label moves to one of the other classes with probability rate;
            `pairflip`: to the next class; `asymmetric`: to a look-alike class; `human`: labels from a file; or the
            import path of a function from `sdd.data.noise.CleanLabels` to noisy labels.
        noise_type_args: Arguments of the noise type's own, by name.
        noise_rate: Rate of the label noise, in [0, 1]. Not used by `human`.
        noise_seed: Decides which labels are wrong, and how.
        noise_file: For `human`: a CIFAR-N file (.pt), a .npy, or a text with one label a line, by number or by name of
            the class; with a header, by index or file of the example in any order.
        noise_key: For `human`: which labels of a CIFAR-N file, such as worse_label, aggre_label or noisy_label, or
            which column of a text.
        batch_size: Training examples a step, over all devices together.
        eval_batch_size: Examples a batch in evaluation.
        drop_last: Leave out the last batch of an epoch where it has fewer examples than the others. Batch
            normalisation cannot train on a batch of one.
        augment: `none`; `crop_flip`: crop with padding 4 and mirror; `resized_crop_flip`: random resized crop
            to `image_size` and mirror; or the import path of an `sdd.data.augmentations.Augmentation`.
        augment_args: Arguments of the augmentation's own, by name.
        image_size: Side of the square that the network sees; null: the stored size.
        eval_resize: Shorter side to resize to before the centre crop to `image_size` in evaluation.
        load_size: Side of the square that images of differing sizes are brought to when read; for image_folder, and
            other data sets whose function takes it.
        memory_format: Order of a batch's values in memory: `contiguous_format`, or `channels_last`, in which
            convolutions may be faster and round differently, and dropout between them draws otherwise.
        seed: Training seed, of batch order and augmentation. Linked to `seed_everything` on the command line.

    Raises:
        UserError: An argument is outside what is allowed, or they contradict each other.
    """

    PLACE: ClassVar[frozenset[str]] = frozenset({"eval_batch_size"})
    """Arguments that only place or measure a run; also `root`, where the data set says so (`root_is_place`)."""

    def __init__(
        self,
        dataset: str = "digits",
        root: str = "data",
        dataset_args: dict[str, Any] | None = None,
        train_size: int | None = None,
        val_size: int = 0,
        subset_seed: int = 0,
        noise_type: str = "symmetric",
        noise_type_args: dict[str, Any] | None = None,
        noise_rate: float = 0.0,
        noise_seed: int = 0,
        noise_file: str | None = None,
        noise_key: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int = 1000,
        augment: str = "none",
        augment_args: dict[str, Any] | None = None,
        image_size: int | None = None,
        eval_resize: int | None = None,
        load_size: int | None = None,
        drop_last: bool = False,
        memory_format: Literal["contiguous_format", "channels_last"] = "contiguous_format",
        seed: int = 0,
    ) -> None:
        super().__init__()
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
        check_choice("data.memory_format", memory_format, ("contiguous_format", "channels_last"))
        if val_size < 0:
            raise UserError(f"data.val_size is {val_size}; it must be at least 0")
        if eval_resize is not None and (image_size is None or eval_resize < image_size):
            raise UserError(
                f"data.eval_resize is {eval_resize}, but the centre crop after it takes data.image_size "
                f"({image_size}): set an image_size that is no larger"
            )
        self._source = chosen_source(dataset, dataset_args, load_size)
        self._noise = LabelNoise(
            noise_type,
            NOISE_TYPES.get(noise_type, noise_type_args),
            noise_rate,
            noise_seed,
            None if noise_file is None else place_of(noise_file, "data.noise_file"),
            noise_key,
        )
        self._augmentation = AUGMENTATIONS.get(augment, augment_args)
        self.dataset, self.root = dataset, place_of(root, "data.root")
        self.train_size, self.val_size, self.subset_seed = train_size, val_size, subset_seed
        self.noise_type, self.noise_rate, self.noise_seed = noise_type, noise_rate, noise_seed
        self.batch_size, self.eval_batch_size, self.drop_last = batch_size, eval_batch_size, drop_last
        self.augment, self.image_size, self.eval_resize = augment, image_size, eval_resize
        self.memory_format: str = memory_format
        self.seed = seed
        self._content: Dataset | None = None
        self._stored = 0
        self._splits: dict[str, Split] = {}

    def load(self) -> None:
        """Read the data set and make its labels noisy; a second call does nothing.

        Raises:
            UserError: The data are missing or do not fit the arguments.
        """
        if self._content is not None:
            return
        content = read(self._source, self.dataset, self.root)
        self._noise.check_look_alikes(content.look_alikes, self.dataset)
        self._check_images(content)
        splits = make_splits(content, self.train_size, self.val_size, self.subset_seed, self._noise)
        images = splits["train"].images
        if self.drop_last and len(images) < self.batch_size:
            raise UserError(
                f"data.drop_last leaves nothing to train on: data.batch_size is {self.batch_size}, but there are only "
                f"{len(images)} training examples"
            )
        self._view_of(content, images.device).check_augmentation(self.augment, images[:2])
        none = torch.empty(0, *images.shape[1:], dtype=torch.uint8)
        self._stored = len(content.train_labels)
        self._content, self._splits = replace(content, train_images=none, test_images=none), splits

    def _check_images(self, content: Dataset) -> None:
        if self.memory_format == "channels_last" and content.train_images.shape[1] == 1:
            raise UserError(
                f"data.memory_format is channels_last, but the images of {self.dataset} have one channel, so that "
                "there is nothing to order: leave it out"
            )
        stored = min(content.train_images.shape[-2:])
        enlarged = self.image_size is not None and self.image_size > stored
        if enlarged and self.eval_resize is None and not self._augmentation.resizes:
            raise UserError(
                f"data.image_size {self.image_size} is larger than the stored images ({stored}); "
                "set --data.eval_resize as well to enlarge them"
            )

    def excerpt(self, batches: int, batch_size: int) -> "NoisyLabelData":
        """Return the same data cut short, to try them out: two training batches, a whole one and the last.

        Of the other parts there are as many examples. They lie far apart, as files are often sorted by class.

        Args:
            batches: That an epoch has of these data; the last one is among them unless it is left out.
            batch_size: Examples of a batch of the excerpt, at most those of a batch of these data.
        """
        examples = len(self.split("train").labels)
        short = copy(self)
        short.batch_size = batch_size
        last = min(examples - (batches - 1) * self.batch_size, batch_size)
        count = min(examples, batch_size + last if batches > 1 else last)
        short._splits = {name: split.spread(count) for name, split in self._splits.items()}
        return short

    @property
    def content(self) -> Dataset:
        """What is known of the data set as it was read; its images are in the parts alone."""
        self.load()
        assert self._content is not None
        return self._content

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.content.num_classes

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that there are: `train`, `val` where examples are kept aside for it, `test`."""
        self.load()
        return tuple(self._splits)

    def split(self, name: str) -> Split:
        """Return the part `train`, `val` or `test` on the device in use.

        Raises:
            UserError: There is no validation part.
        """
        self.load()
        if name not in self._splits:
            raise UserError("there is no validation split: set --data.val_size to a number of training examples")
        return self._splits[name]

    def places(self, name: str) -> Tensor:
        """Return where the examples of the part `train`, `val` or `test` lie in the data set, int64 of shape [N]."""
        if name == "test":
            return torch.arange(len(self.split(name).labels))
        chosen = choose_examples(self._stored, self.train_size, self.val_size, self.subset_seed)
        return torch.from_numpy(chosen[name])

    def view(self) -> View:
        """Return the map from stored images to network inputs, on the device in use."""
        return self._view_of(self.content, self._splits["train"].images.device)

    def _view_of(self, content: Dataset, device: torch.device) -> View:
        memory_format: torch.memory_format = getattr(torch, self.memory_format)
        normalise = Normalisation.of(content.mean, content.std, device, memory_format)
        return View(normalise, self._augmentation, self.image_size, self.eval_resize)

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
        """Return shuffled, augmented batches with noisy labels; not shuffled where `trainer.overfit_batches` is set."""
        train, trainer = self.split("train"), self.trainer
        rank, world_size = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        return TrainLoader(
            train.images,
            train.labels,
            self.batch_size,
            self.view(),
            self.seed,
            rank,
            world_size,
            shuffle=not (trainer and trainer.overfit_batches),  # type: ignore[attr-defined]  # Lightning does not declare it
            drop_last=self.drop_last,
        )

    def draw_batches(self, count: int, generator: torch.Generator) -> list[Batch]:
        """Draw batches of training examples with their noisy labels, without augmentation.

        Args:
            count: How many, of `batch_size` examples each.
            generator: CPU generator.

        Returns:
            Pairs of network inputs, float32 of shape [batch_size, C, height, width], and labels, int64 of shape
            [batch_size]; fewer where the training examples run out, unless `drop_last` leaves such a batch out.
        """
        train, view = self.split("train"), self.view()
        order = torch.randperm(len(train.labels), generator=generator).to(train.labels.device)
        if self.drop_last:
            order = order[: len(order) // self.batch_size * self.batch_size]
        chosen = torch.split(order, self.batch_size)[:count]
        return [(view.plain(train.images[index]), train.labels[index]) for index in chosen]

    def plain_loader(self, name: str, places: Tensor | None = None) -> PlainLoader:
        """Return the part `train`, `val` or `test` in stored order without augmentation.

        Args:
            name: Of the part.
            places: Of its examples that are wanted, int64 of shape [M]; None: all.
        """
        split = self.split(name) if places is None else self.split(name).take(places)
        return PlainLoader(split.images, split.labels, self.eval_batch_size, self.view())

    def val_dataloader(self) -> PlainLoader | list[PlainLoader]:
        """Return the validation part, or nothing where `val_size` is 0."""
        return self.plain_loader("val") if self.val_size else []

    def test_dataloader(self) -> PlainLoader:
        """Return the clean test set."""
        return self.plain_loader("test")

    def predict_dataloader(self) -> PlainLoader:
        """Return the clean test set, in stored order."""
        return self.plain_loader("test")
