"""Outputs and gradients of linear layers with ReLU between them, by the operators that autograd would call, alone.

For networks this small the work of autograd and modules costs more than many a product. What is computed here is what
they compute, bit for bit: the same operators on tensors that lie in memory in the same way. Layers that compute by
their surviving weights alone (`sparse_linear`) hold just those here, so that an optimizer moves nothing else.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from sdd.models.mlp import MLP
from sdd.models.sparse_products import Pattern


class DenseLayer:
    """A layer that computes with all its weights.

    Args:
        module: The layer, whose parameters are used where they are.

    Attributes:
        parameters: Weight [out, in] and bias [out], if there is one.
        values: Those of their numbers that are trained, here the parameters' own.
        gradients: Of the values; filled by `learn`.
        pattern: Where the values of the weight are in it; None: they are all of it.
    """

    pattern: Pattern | None = None

    def __init__(self, module: nn.Linear) -> None:
        self.parameters = _parameters(module)
        self.values = [parameter.detach() for parameter in self.parameters]
        self.gradients = [torch.empty_like(value) for value in self.values]
        self._turned = self.values[0].t()
        self._of_one_input = module.in_features == 1

    def outputs(self, inputs: Tensor) -> Tensor:
        """Map inputs [n, in] to outputs [n, out]."""
        if len(self.values) == 1:
            return torch.mm(inputs, self._turned)
        return torch.addmm(self.values[1], inputs, self._turned)

    def learn(self, inputs: Tensor, gradient: Tensor) -> None:
        """Fill the gradients, from the inputs [n, in] and the gradient of the outputs [n, out]."""
        torch.mm(gradient.t(), inputs, out=self.gradients[0])
        if len(self.values) == 2:
            torch.sum(gradient, 0, out=self.gradients[1])

    def of_inputs(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the inputs [n, in]; to be called after `learn` with the same gradient [n, out]."""
        if self._of_one_input and len(gradient) == 1:  # inputs that autograd takes for a column, and multiplies as one
            return torch.mm(self._turned, gradient.t()).t()
        return torch.mm(gradient, self.values[0])


class SparseLayer:
    """A layer that computes with its surviving weights alone; its attributes and methods are those of `DenseLayer`.

    Args:
        module: The layer; its removed weights are zero.
        pattern: Of its weight, used by nobody else meanwhile.
        turns: Whether the outputs stay transposed in memory.
    """

    def __init__(self, module: nn.Linear, pattern: Pattern, *, turns: bool) -> None:
        self.parameters, self.pattern, self._turns = _parameters(module), pattern, turns
        weight, *bias = (parameter.detach() for parameter in self.parameters)
        self._weights = pattern.weights(weight)
        self.values = [self._weights.values(), *bias]
        self.gradients = [torch.empty_like(value) for value in self.values]
        self._column = bias[0].unsqueeze(1) if bias else None

    def outputs(self, inputs: Tensor) -> Tensor:
        """Map inputs [n, in] to outputs [n, out]."""
        self._columns = inputs.t().contiguous()
        self._turned = not inputs.is_contiguous()
        if self._column is None:
            outputs = torch.mm(self._weights, self._columns).t()
        else:
            outputs = torch.addmm(self._column, self._weights, self._columns).t()
        return outputs if self._turns else outputs.contiguous()

    def learn(self, inputs: Tensor, gradient: Tensor) -> None:
        """Fill the gradients, from the inputs [n, in] and the gradient of the outputs [n, out]."""
        self._rows = gradient.t().contiguous()
        self.gradients[0] = self.pattern.products(self._rows, self._columns.t())
        if self._column is not None:
            torch.sum(self._rows, 1, out=self.gradients[1])

    def of_inputs(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the inputs [n, in]; to be called after `learn` with the same gradient [n, out]."""
        gradients = torch.mm(self.pattern.transposed_of(self.values[0]), self._rows).t()
        return gradients if self._turned else gradients.contiguous()


Layer = DenseLayer | SparseLayer


def linear_chain(net: nn.Module) -> list[nn.Linear] | None:
    """Return the layers of a network of linear layers with ReLU between them; None: it is, or does, something else.

    They are an `MLP`, or an `nn.Sequential` of `nn.Flatten`, `nn.Linear` and `nn.ReLU`, on the CPU, of 32 or 64 bits,
    all of whose parameters are trained, by themselves, and which nobody listens to.
    """
    if type(net) is MLP:
        layers = [*net.hidden, net.fc]
    elif type(net) is nn.Sequential and len(net) and _flattens(net[0]):
        layers, between = [*net][1::2], [*net][2::2]
        if len(layers) != len(between) + 1 or any(type(one) is not nn.ReLU for one in between):
            return None
    else:
        return None
    parameters = [*net.parameters()]
    fits = (
        all(type(layer) is nn.Linear and set(layer._parameters) == {"weight", "bias"} for layer in layers)
        and all(one.out_features == other.in_features for one, other in pairwise(layers))
        and len(parameters) == sum(len(_parameters(layer)) for layer in layers)
        and all(_is_plain(parameter, parameters[0].dtype) for parameter in parameters)
        and not any(_has_hooks(module) for module in net.modules())
        and not nn.modules.module._has_any_global_hook()
    )
    return layers if fits else None


def outputs_of(layers: Sequence[Layer], inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return the logits [n, classes] of inputs [n, ...], and what each layer was given, [n, in] each."""
    features = inputs.flatten(1)
    seen = [features]
    for layer in layers[:-1]:
        features = layer.outputs(features).relu_()
        seen.append(features)
    return layers[-1].outputs(features), seen


def learn(layers: Sequence[Layer], seen: Sequence[Tensor], gradient: Tensor) -> None:
    """Fill the gradients of all layers.

    Args:
        layers: In the order in which they are applied.
        seen: What each was given, [n, in].
        gradient: Of the logits, [n, classes].
    """
    for number in range(len(layers) - 1, 0, -1):
        layer, features = layers[number], seen[number]
        layer.learn(features, gradient)
        gradient = torch.ops.aten.threshold_backward.default(layer.of_inputs(gradient), features, 0)
    layers[0].learn(seen[0], gradient)


def _parameters(layer: nn.Linear) -> list[nn.Parameter]:
    return [one for one in layer._parameters.values() if one is not None]


def _flattens(module: nn.Module) -> bool:
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)


def _is_plain(parameter: nn.Parameter, dtype: torch.dtype) -> bool:
    return (
        type(parameter) is nn.Parameter
        and parameter.requires_grad
        and parameter.dtype == dtype
        and dtype in (torch.float32, torch.float64)
        and parameter.device.type == "cpu"
        and parameter.is_contiguous()
        and not parameter._backward_hooks
        and not getattr(parameter, "_post_accumulate_grad_hooks", None)
    )


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or module._compiled_call_impl is not None
        or "forward" in module.__dict__
    )
