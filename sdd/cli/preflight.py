"""Whether network, data and optimizer fit together, found out before any training."""

import torch
from torch import nn

from sdd.data import NoisyLabelData
from sdd.errors import UserError
from sdd.messages import one_line
from sdd.module import Classifier


def check_fit(model: Classifier, data: NoisyLabelData) -> None:
    """Show the network two examples, and make optimizer and schedule once.

    Raises:
        UserError: The network does not take these images or does not give one output per class.
    """
    images, labels = next(iter(data.plain_loader("train")))
    images, labels = images[:2], labels[:2]
    try:
        model.net.eval()
        with torch.no_grad():
            logits = model.net(images)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UserError(
            f"the network does not take images of shape {list(images.shape[1:])} from {data.dataset}: "
            f"{one_line(str(error))}; set its input size (such as --model.net.in_features or --model.net.in_channels)"
        ) from error
    finally:
        model.net.train()
    shape = list(logits.shape)
    if shape != [len(images), data.num_classes]:
        raise UserError(
            f"the network gives outputs of shape {shape[1:]} per example, but {data.dataset} has {data.num_classes} "
            f"classes; set its number of classes (such as --model.net.num_classes {data.num_classes})"
        )
    empty = [name for name, weights in model.net.named_parameters() if not weights.numel()]
    if empty:
        raise UserError(
            f"the network's {empty[0]} has no values (shape {list(model.net.get_parameter(empty[0]).shape)}), so "
            "that nothing passes: give each layer a width of at least 1"
        )
    model.loss.check(model.loss_name, logits, labels)
    try:
        model.configure_optimizers()
    except (TypeError, ValueError) as error:
        raise UserError(f"the optimizer or its schedule cannot be made: {one_line(str(error))}") from error


def check_teacher(teacher: nn.Module, data: NoisyLabelData) -> None:
    """Show a teacher two examples.

    Args:
        teacher: Trained, in evaluation mode.
        data: What it is to teach.

    Raises:
        UserError: It does not take these images or does not give one output per class.
    """
    images, classes = next(iter(data.plain_loader("train")))[0][:2], data.num_classes
    try:
        with torch.no_grad():
            taught = teacher(images)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UserError(
            f"model.distill_from: the teacher does not take images of shape {list(images.shape[1:])}: "
            f"{one_line(str(error))}"
        ) from error
    if list(taught.shape) != [len(images), classes]:
        raise UserError(
            f"model.distill_from: the teacher gives outputs of shape {list(taught.shape[1:])} per example, but there "
            f"are {classes} classes"
        )
