"""Density of the Hessian's eigenvalues, and the effective dimension, by stochastic Lanczos quadrature."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.hessian import lanczos, ritz
from sdd.measures.objective import Objective

EFFECTIVE_DIMENSION = (
    Column(
        "effective_dimension",
        "effective dimension",
        "Σ λ / (λ + α) over the positive eigenvalues λ of the Hessian of the training loss",
        section="Flatness",
        cost="`spectrum_probes` × `spectrum_steps` products (8, 60; Lanczos quadrature, with its standard error)",
    ),
    Column("effective_dimension_error", "standard error of the effective dimension", detail=True),
)
"""Columns of `hessian_spectrum`."""

_TAIL = 5.0
"""Standard deviations that the grid of a density goes beyond the outermost eigenvalues."""


@dataclass(frozen=True)
class EffectiveDimension:
    """A stochastic estimate of the effective dimension of a Hessian.

    Attributes:
        value: Mean over the probes, from 0 to the number of surviving coordinates; NaN if the loss is not finite.
        standard_error: Sample standard deviation over the probes / √probes; NaN for one probe.
    """

    value: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What each of P probes says of the eigenvalues of a Hessian: a quadrature of m ≤ steps nodes.

    Σ_j weights[j] · f(nodes[j]), averaged over the probes, estimates the mean of f over all eigenvalues.

    Attributes:
        nodes: P tensors [m], float64 on the CPU, rising; NaN if the loss is not finite. None of a Hessian without rows.
        weights: P tensors [m], float64 on the CPU, each from 0 on and with the sum 1.
        dimension: Number of eigenvalues.
    """

    nodes: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    dimension: int

    def means(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return each probe's estimate of the mean of a function over all eigenvalues.

        Args:
            function: Maps eigenvalues [m] to values [m] or [m, G].

        Returns:
            [P] or [P, G], float64.
        """
        pairs = zip(self.nodes, self.weights, strict=True)
        return torch.stack([torch.tensordot(weights, function(nodes), dims=1) for nodes, weights in pairs])

    def effective_dimension(self, alpha: float) -> EffectiveDimension:
        """Estimate Σ λ / (λ + α) over the eigenvalues λ > 0 (MacKay 1992; Maddox, Benton & Wilson 2020).

        It counts the directions that the data decide, against a prior of precision α. The formula is that of a
        minimum. At a trained network's weights some eigenvalues lie below 0; they count nothing here, as λ / (λ + α)
        has a pole among them.

        Args:
            alpha: α > 0, in units of the mean loss over squared parameters, as a weight decay is.

        Raises:
            UserError: `alpha` is not above 0.
        """
        if not alpha > 0:
            raise UserError(f"alpha is {alpha}; it must be above 0")
        if not self.nodes:
            return EffectiveDimension(0.0, 0.0)
        each = self.dimension * self.means(lambda values: values.clamp(min=0) / (values.clamp(min=0) + alpha))
        error = float(each.std()) / math.sqrt(len(each)) if len(each) > 1 else math.nan
        return EffectiveDimension(float(each.mean()), error)

    def density(self, points: int, width: float) -> tuple[Tensor, Tensor]:
        """Return the density of the eigenvalues, smoothed by Gaussians; its integral is 1.

        Args:
            points: G, at least 2: evenly from 5 standard deviations below the lowest node to as many above the highest.
            width: Standard deviation of the Gaussians as a part of the range of all nodes (of the largest |node|, or of
                1, where they are all one).

        Returns:
            Eigenvalues [G] and densities [G], float64; densities of 0 for a Hessian without rows.
        """
        all_nodes = torch.cat(self.nodes) if self.nodes else torch.zeros(1, dtype=torch.float64)
        low, high = float(all_nodes.min()), float(all_nodes.max())
        sigma = width * ((high - low) or abs(high) or 1.0)
        grid = torch.linspace(low - _TAIL * sigma, high + _TAIL * sigma, points, dtype=torch.float64)
        if not self.nodes:
            return grid, torch.zeros_like(grid)
        scale = 1 / (sigma * math.sqrt(2 * math.pi))
        return grid, self.means(lambda values: scale * (-(((grid - values[:, None]) / sigma) ** 2) / 2).exp()).mean(0)


def hessian_spectrum(objective: Objective, *, steps: int = 60, probes: int = 8, generator: torch.Generator) -> Spectrum:
    """Eigenvalues of the Hessian on the surviving coordinates, by stochastic Lanczos quadrature.

    For each probe, a random direction, Lanczos's tridiagonal matrix of m rows gives nodes (its eigenvalues) and weights
    (the squared first entries of its eigenvectors) of a Gauss quadrature, exact for polynomials up to degree 2m − 1
    (Golub & Welsch 1969; Ubaru, Chen & Saad 2017; of networks Ghorbani, Krishnan & Xiao 2019; Yao et al. 2020). A probe
    ends early, exact, when its Krylov space is exhausted.

    Cost: `probes` × `steps` Hessian-vector products, and memory for `steps` vectors of the surviving coordinates.

    Args:
        objective: The loss and its surviving coordinates. With none of these, there are no eigenvalues.
        steps: m, at least 1.
        probes: P, at least 1.
        generator: CPU generator of the probes.

    Raises:
        UserError: `steps` or `probes` is less than 1.
    """
    for name, count in {"steps": steps, "probes": probes}.items():
        if count < 1:
            raise UserError(f"{name} is {count}; it must be at least 1")
    quadratures = []
    for _ in range(probes if objective.dimension else 0):
        start = torch.randn(objective.dimension, generator=generator, dtype=torch.float64)
        quadratures.append(_quadrature(objective, start, min(steps, objective.dimension)))
    nodes, weights = zip(*quadratures, strict=True) if quadratures else ((), ())
    return Spectrum(nodes, weights, objective.dimension)


def _quadrature(objective: Objective, start: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Return nodes [m] and weights [m] of the probe `start` [dimension], m ≤ steps."""
    largest = 0.0
    for diagonal, off_diagonal in lanczos(objective, start):
        if not math.isfinite(diagonal[-1] + off_diagonal[-1]):
            return torch.full((1,), torch.nan, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        largest = max(largest, abs(diagonal[-1]), off_diagonal[-1])
        if len(diagonal) == steps or off_diagonal[-1] <= torch.finfo(objective.dtype).eps * largest:
            break
    values, vectors = ritz(diagonal, off_diagonal)
    return values, vectors[0].square()
