"""Largest eigenvalue and trace of the Hessian of the loss, from Hessian-vector products alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.objective import Objective

TOP = (
    Column(
        "hessian_top",
        "largest Hessian eigenvalue",
        "of the training loss at the level's final weights",
        section="Flatness",
        cost="10 to 20 Hessian-vector products of about 6 forward passes each (Lanczos to `top_tolerance`)",
    ),
    Column("hessian_top_iterations", "Hessian-vector products for the largest eigenvalue", detail=True),
    Column("hessian_top_residual", "relative residual of the largest eigenvalue", detail=True),
)
"""Columns of `hessian_top`."""

TRACE = (
    Column(
        "hessian_trace",
        "Hessian trace",
        "of the training loss at the level's final weights",
        section="Flatness",
        cost="`trace_probes` (16) products (Hutchinson, with its standard error)",
    ),
    Column("hessian_trace_error", "standard error of the Hessian trace", detail=True),
)
"""Columns of `hessian_trace`."""

# Probes that share one graph of the gradient: more save little time and cost memory.
_PROBES_AT_ONCE = 8


@dataclass(frozen=True)
class TopEigenvalue:
    """The most positive eigenvalue λ of a Hessian H.

    Attributes:
        value: λ, in units of the loss over squared parameters; NaN if the loss is not finite.
        iterations: Hessian-vector products that it took.
        residual: ‖Hv − λv‖ / |λ| for the unit Ritz vector v.
        converged: Whether the residual met the tolerance; if not, `value` is a lower bound.
    """

    value: float
    iterations: int
    residual: float
    converged: bool


@dataclass(frozen=True)
class TraceEstimate:
    """A stochastic estimate of the trace of a Hessian.

    Attributes:
        value: Mean over the probes, in units of the loss over squared parameters; NaN if the loss is not
            finite.
        standard_error: Sample standard deviation over the probes / √probes; NaN for one probe.
        probes: Number of probes.
    """

    value: float
    standard_error: float
    probes: int


def hessian_top(
    objective: Objective,
    *,
    tolerance: float = 1e-4,
    max_iterations: int = 100,
    generator: torch.Generator,
) -> TopEigenvalue:
    """Largest algebraic eigenvalue of the Hessian on the surviving coordinates, by Lanczos iteration.

    Lanczos (1950) with full reorthogonalisation, done twice at each step, from a Gaussian start. It stops
    when the residual ‖Hv − λv‖ of the top Ritz pair is at most `tolerance` × |λ|. As H is symmetric, an
    eigenvalue then lies within that distance of λ (Parlett 1998, theorem 4.5.1), and the true error is
    usually far smaller, for it falls with the square of the residual. Where |λ| is near zero beside the
    largest |eigenvalue|, a residual of ten roundings of the latter is enough. It also stops, exact, when the
    Krylov space is exhausted.

    Cost: 1 Hessian-vector product an iteration, and memory for as many vectors of the surviving coordinates.

    Args:
        objective: The loss and its surviving coordinates. With none of these, λ is 0.
        tolerance: Relative residual to reach, above 0.
        max_iterations: Most Hessian-vector products, at least 1.
        generator: CPU generator of the start vector.

    Raises:
        UserError: `tolerance` or `max_iterations` is out of its range.
    """
    if not tolerance > 0:
        raise UserError(f"tolerance is {tolerance}; it must be above 0")
    if max_iterations < 1:
        raise UserError(f"max_iterations is {max_iterations}; it must be at least 1")
    if objective.dimension == 0:
        return TopEigenvalue(value=0.0, iterations=0, residual=0.0, converged=True)
    start = torch.randn(objective.dimension, generator=generator, dtype=torch.float64)
    for diagonal, off_diagonal in lanczos(objective, start):
        steps = len(diagonal)
        if not math.isfinite(diagonal[-1] + off_diagonal[-1]):
            break
        value, residual, norm = _top_ritz_pair(diagonal, off_diagonal)
        rounding = 10 * torch.finfo(objective.dtype).eps * norm
        converged = steps == objective.dimension or residual <= max(tolerance * abs(value), rounding)
        if converged or steps == max_iterations:
            relative = residual / abs(value) if value != 0 else 0.0 if residual == 0 else math.inf
            return TopEigenvalue(value=value, iterations=steps, residual=relative, converged=converged)
    return TopEigenvalue(value=math.nan, iterations=steps, residual=math.nan, converged=False)


def lanczos(objective: Objective, start: Tensor) -> Iterator[tuple[list[float], list[float]]]:
    """Reduce the Hessian on the surviving coordinates to a tridiagonal matrix, a step for each one asked for.

    Lanczos (1950) with full reorthogonalisation, done twice at each step. Whoever takes the steps ends them, at the
    latest when the last coupling is zero.

    Args:
        objective: The loss and its surviving coordinates, one at least.
        start: The first vector [dimension], of any length above 0.

    Yields:
        The diagonal so far, and the couplings between neighbours, the last of which leads out of the matrix: as many.
    """
    basis = [(start / start.norm()).to(objective.device, objective.dtype)]
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    while True:
        image = objective.hessian_vector_product(basis[-1])
        diagonal.append(float(torch.dot(basis[-1], image)))
        _orthogonalise(image, basis)
        off_diagonal.append(float(image.norm()))
        yield diagonal, off_diagonal
        basis.append(image / off_diagonal[-1])


def ritz(diagonal: Sequence[float], off_diagonal: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Return eigenvalues [m], rising, and eigenvectors [m, m], in columns, of Lanczos's tridiagonal matrix.

    Args:
        diagonal: m numbers.
        off_diagonal: m couplings, the last of which leads out of the matrix.
    """
    couplings = torch.tensor(off_diagonal[:-1], dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    matrix += torch.diag(couplings, 1) + torch.diag(couplings, -1)
    values, vectors = torch.linalg.eigh(matrix)
    return values, vectors


def hessian_trace(objective: Objective, *, probes: int = 32, generator: torch.Generator) -> TraceEstimate:
    """Trace of the Hessian on the surviving coordinates, by Hutchinson's estimator.

    Mean of zᵀHz over probes z with independent entries ±1 (Hutchinson 1990): unbiased, and exact for a
    diagonal Hessian. The variance of one probe is 2 Σ_{i≠j} H_ij².

    Cost: `probes` Hessian-vector products; eight at a time share the graph of the gradient, which saves a
    quarter to a half of their time and needs memory for 16 vectors of the surviving coordinates.

    Args:
        objective: The loss and its surviving coordinates. With none of these, the trace is 0.
        probes: Number of probes, at least 1.
        generator: CPU generator of the probes.

    Raises:
        UserError: `probes` is less than 1.
    """
    if probes < 1:
        raise UserError(f"probes is {probes}; it must be at least 1")
    estimates = torch.zeros(probes, dtype=torch.float64)
    for first in range(0, probes if objective.dimension > 0 else 0, _PROBES_AT_ONCE):
        count = min(_PROBES_AT_ONCE, probes - first)
        signs = torch.randint(0, 2, (count, objective.dimension), generator=generator, dtype=torch.int8)
        vectors = (2 * signs - 1).to(objective.device, objective.dtype)
        products = objective.hessian_vector_products(vectors)
        estimates[first : first + count] = (vectors * products).sum(1).cpu()
    error = float(estimates.std()) / math.sqrt(probes) if probes > 1 else math.nan
    return TraceEstimate(value=float(estimates.mean()), standard_error=error, probes=probes)


def _orthogonalise(vector: Tensor, basis: list[Tensor]) -> None:
    """Take from the vector, in place, its components along an orthonormal basis; twice is enough."""
    for _ in range(2):
        for direction in basis:
            vector -= torch.dot(direction, vector) * direction


def _top_ritz_pair(diagonal: list[float], off_diagonal: list[float]) -> tuple[float, float, float]:
    """Top eigenvalue of the tridiagonal matrix, residual of its Ritz pair, spectral norm of the matrix."""
    values, vectors = ritz(diagonal, off_diagonal)
    return float(values[-1]), off_diagonal[-1] * abs(float(vectors[-1, -1])), float(values.abs().max())
