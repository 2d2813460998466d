"""Training loops as a careful researcher writes them by hand for one experiment.

Tensors in memory, batches by index, masks multiplied in after each step; no logging, no checkpoints, no progress.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sdd.data import NoisyLabelData
from sdd.data.transforms import Normalisation
from sdd.models.mlp import MLP
from sdd.pruning.masks import Masks, mask_state
from sdd.pruning.prunable import prunable_parameters
from sdd.pruning.prune import prune
from sdd.pruning.schedules import OfRemaining
from sdd.pruning.scopes import Group, Surviving


class BareLoop:
    """A bare training loop in PyTorch, with masks and pruning.

    Args:
        net: The network, on the device that trains.
        images: uint8 of shape [N, C, height, width], there too.
        labels: int64 of shape [N].
        data: Where batch size, normalisation and memory format come from.
        lr: Learning rate.
        momentum: Momentum of SGD.
        context: Makes what the forward pass runs in, such as autocast.
        compiled: Whether the network is compiled.
    """

    def __init__(
        self,
        net: nn.Module,
        images: Tensor,
        labels: Tensor,
        data: NoisyLabelData,
        lr: float,
        momentum: float,
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
        compiled: bool = False,
    ) -> None:
        self.net, self.images, self.labels, self.batch_size = net, images, labels, data.batch_size
        self.forward: Callable[[Tensor], Tensor] = torch.compile(lambda images: net(images)) if compiled else net
        memory_format: torch.memory_format = getattr(torch, data.memory_format)
        self.normalise = Normalisation.of(data.content.mean, data.content.std, images.device, memory_format)
        self.lr, self.momentum, self.context = lr, momentum, context
        self.initial = {name: value.clone() for name, value in net.state_dict().items()}
        self.prunable = prunable_parameters(net, ["fc.weight"])
        self.masks: Masks = {name: torch.ones_like(value, dtype=torch.bool) for name, value in self.prunable.items()}
        self.multipliers: list[tuple[Tensor, Tensor]] = []
        self.optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)

    def prune(self) -> None:
        """Remove 20 % of the remaining weights and rewind the others."""
        scores = {name: weight.detach().abs() for name, weight in self.prunable.items()}
        names = tuple(self.masks)
        count = Surviving(self.masks, OfRemaining(0.2)).to_remove(names)
        self.masks = prune(scores, self.masks, [Group(names, count)])
        self.net.load_state_dict(mask_state(self.initial, self.masks))
        self.multipliers = [
            (parameter, self.masks[name].to(parameter.dtype)) for name, parameter in self.prunable.items()
        ]
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=self.lr, momentum=self.momentum)

    def epoch(self) -> None:
        """Train for one epoch."""
        order = torch.randperm(len(self.labels)).to(self.images.device)
        for index in order.split(self.batch_size):
            with self.context():
                outputs = self.forward(self.normalise(self.images[index]))
                loss = functional.cross_entropy(outputs, self.labels[index])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            with torch.no_grad():
                for parameter, multiplier in self.multipliers:
                    parameter.mul_(multiplier)

    def evaluate(self, images: Tensor, labels: Tensor) -> float:
        """Return the accuracy in [0, 1] on images [M, C, height, width] and labels [M], and wait for it."""
        with torch.no_grad():
            logits = self.net(self.normalise(images))
            functional.cross_entropy(logits, labels).item()
            return float((logits.argmax(1) == labels).float().mean())


class LoopByHand:
    """The fastest dense loop known to us for a network of linear layers: gradients by hand, no autograd, no modules.

    Args:
        net: Where its weights come from.
        images: uint8 of shape [N, 1, height, width].
        labels: int64 of shape [N].
        data: Where batch size and normalisation come from.
        lr: Learning rate.
        momentum: Momentum of SGD.
    """

    def __init__(
        self, net: MLP, images: Tensor, labels: Tensor, data: NoisyLabelData, lr: float, momentum: float
    ) -> None:
        normalise = Normalisation.of(data.content.mean, data.content.std, images.device)
        self.inputs = normalise(images).flatten(1)
        self.targets = functional.one_hot(labels, data.num_classes).float()
        self.batch_size, self.lr, self.momentum = data.batch_size, lr, momentum
        layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
        self.weights = [layer.weight.detach().clone() for layer in layers]
        self.biases = [layer.bias.detach().clone() for layer in layers]
        self.velocities = [torch.zeros_like(one) for one in (*self.weights, *self.biases)]

    @torch.no_grad()
    def epoch(self) -> None:
        """Train for one epoch."""
        order = torch.randperm(len(self.inputs))
        inputs, targets = self.inputs[order], self.targets[order]
        for batch, wanted in zip(inputs.split(self.batch_size), targets.split(self.batch_size), strict=True):
            self._step(batch, wanted)

    def _step(self, batch: Tensor, targets: Tensor) -> None:
        seen = [batch]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            seen.append(torch.addmm(bias, seen[-1], weight.t()).relu_())
        outputs = torch.addmm(self.biases[-1], seen[-1], self.weights[-1].t())
        error = outputs.softmax(1).sub_(targets).div_(len(batch))
        weight_gradients: list[Tensor] = []
        bias_gradients: list[Tensor] = []
        for number in range(len(self.weights) - 1, -1, -1):
            weight_gradients.insert(0, error.t() @ seen[number])
            bias_gradients.insert(0, error.sum(0))
            if number:
                error = (error @ self.weights[number]).mul_(seen[number] > 0)
        torch._foreach_mul_(self.velocities, self.momentum)
        torch._foreach_add_(self.velocities, [*weight_gradients, *bias_gradients])
        torch._foreach_add_([*self.weights, *self.biases], self.velocities, alpha=-self.lr)
