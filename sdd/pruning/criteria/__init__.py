"""Criteria: scores of weights; the smallest are removed. Each built-in one is a module here, held as `PART`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sdd.errors import UserError
from sdd.failures import naming
from sdd.losses import Loss
from sdd.models.modes import kept_modes
from sdd.models.state import Copies, kept_state
from sdd.parts import Kind


@dataclass(frozen=True)
class Scoring:
    """What a criterion computes the scores of weights from. Whatever it does to network and masks is undone afterwards.

    Attributes:
        net: The trained network, removed weights at their frozen values. For a criterion with `at_initialisation` it is
            the network before any training, removed weights at zero, so that masks do not depend on training.
        parameters: The weights to score, by name.
        masks: True where a weight survives, by the same names and of the same shapes; scores of the others do not
            matter.
        batches: Draws so many training batches, without augmentation: inputs [B, ...] and noisy labels [B] on the
            network's device. The same at every call.
        generator: A CPU generator for random draws, seeded by training seed and level.
        loss: The run's loss.
    """

    net: nn.Module
    parameters: Mapping[str, nn.Parameter]
    masks: Mapping[str, Tensor]
    batches: Callable[[int], Iterable[tuple[Tensor, Tensor]]]
    generator: torch.Generator
    loss: Loss


def one_round() -> int:
    """Return 1: all weights of a level are removed by the same scores."""
    return 1


@dataclass(frozen=True)
class Criterion:
    """A way to score weights.

    Attributes:
        scores: Takes a `Scoring`; returns a tensor of real numbers for each name of `Scoring.parameters`, of its shape.
            The weights of the smallest scores are removed first.
        at_initialisation: Whether it scores the run's first weights at every level, and not the trained ones.
        rounds: Returns in how many rounds, 1 or more, a level's weights are removed: all are scored anew in each, those
            that went in earlier ones being zero, and each removes the same fraction of what remains.
    """

    scores: Callable[..., Mapping[str, Tensor]]
    at_initialisation: bool = False
    rounds: Callable[..., int] = one_round


CRITERIA = Kind("pruning.criterion", "sdd.pruning.criteria", Criterion, given=("scoring",))


def importance(name: str, criterion: Criterion, scoring: Scoring) -> dict[str, Tensor]:
    """Score weights by a criterion; the smallest scores are removed first.

    Args:
        name: What the setting `pruning.criterion` says.
        criterion: Which one.
        scoring: What it scores by.

    Returns:
        Scores by the names of `scoring.parameters`, each [...] of its weight's shape and on its device.

    Raises:
        UserError: The criterion returns something else.
    """
    with naming(f"pruning.criterion {name}"), kept_modes(scoring.net), kept_state(scoring.net):
        return _checked(name, criterion.scores(replace(scoring, masks=Copies(scoring.masks))), scoring)


def rounds_of(name: str, criterion: Criterion) -> int:
    """Return in how many rounds a criterion's weights are removed at a level.

    Args:
        name: What the setting `pruning.criterion` says.
        criterion: Which one.

    Raises:
        UserError: It gives no whole number from 1.
    """
    with naming(f"pruning.criterion {name}"):
        rounds: object = criterion.rounds()
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise UserError(f"pruning.criterion {name} gives {rounds!r} rounds; it must be a whole number from 1")
    return rounds


def _checked(name: str, scores: object, scoring: Scoring) -> dict[str, Tensor]:
    """Return copies of scores that fit the weights, each [...] of its weight's shape; the rest is refused."""
    if not isinstance(scores, Mapping):
        raise UserError(f"pruning.criterion {name} gives a {type(scores).__name__}; it must be scores by weight's name")
    checked = {}
    for weight, parameter in scoring.parameters.items():
        if weight not in scores:
            raise UserError(f"pruning.criterion {name} gives no scores for {weight}")
        score: object = scores[weight]
        if not isinstance(score, Tensor) or score.is_complex() or score.dtype == torch.bool:
            kind = score.dtype if isinstance(score, Tensor) else type(score).__name__
            raise UserError(f"pruning.criterion {name} gives {kind} for {weight}; it must be a tensor of real numbers")
        if score.shape != parameter.shape:
            raise UserError(
                f"pruning.criterion {name} gives scores of shape {list(score.shape)} for {weight}; it must be "
                f"{list(parameter.shape)}"
            )
        checked[weight] = score.detach().to(parameter.device, copy=True)
    unknown = sorted(scores.keys() - checked.keys())
    if unknown:
        raise UserError(f"pruning.criterion {name} gives scores for {unknown[0]}, which is not to be scored")
    return checked
