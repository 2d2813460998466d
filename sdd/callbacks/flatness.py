"""Flatness of the loss at the end of each level."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import lightning.pytorch as pl
import torch
from torch import Tensor
from tqdm import tqdm

from sdd.callbacks.accuracy import data_of
from sdd.callbacks.level import Level, refuse_other_levels
from sdd.callbacks.level_table import LevelTable, with_level, write_by_level
from sdd.errors import UserError
from sdd.measures.columns import Column
from sdd.measures.hessian import TOP, TRACE, hessian_top, hessian_trace
from sdd.measures.landscape import loss_curves
from sdd.measures.objective import Objective
from sdd.measures.sharpness import SHARPNESS, sharpness
from sdd.measures.spectrum import EFFECTIVE_DIMENSION, EffectiveDimension, hessian_spectrum
from sdd.module import Classifier
from sdd.parts import check_choice
from sdd.seeding import Stream, torch_generator

_BAR_AFTER_SECONDS = 3.0
_BATCH_SIZE = 500


class FlatnessMeasures(LevelTable):
    """Measures how flat the noisy training loss is around a trained level's weights, in evaluation mode.

    Every measure uses the same `examples` training examples with their noisy labels at every level, without
    augmentation, and leaves the network and all random states as they were, so that measuring changes no other column.
    Costs are per level, in passes over those examples: a Hessian-vector product costs about six forward passes.

    Args:
        hessian_top: Measure the largest eigenvalue of the Hessian; columns `hessian_top`, `hessian_top_iterations`,
            `hessian_top_residual`. About 10 to 20 Hessian-vector products, `top_iterations` at most.
        hessian_trace: Measure its trace; columns `hessian_trace` and `hessian_trace_error`, its standard error.
            `trace_probes` Hessian-vector products.
        sharpness: Measure max over ‖ε‖₂ ≤ `rho` of L(θ + ε) − L(θ) by one ascent step. A gradient and a forward pass.
        loss_curves: Measure L(θ + α d) along random filter-normalised directions, into `loss_curves.csv`.
            `directions` × (`points` − 1) + 1 forward passes.
        spectrum: Measure the density of the Hessian's eigenvalues, into `spectrum.csv`, and from it the effective
            dimension; columns `effective_dimension` and `effective_dimension_error`, its standard error.
            `spectrum_probes` × `spectrum_steps` Hessian-vector products, and memory for `spectrum_steps` vectors.
        top_tolerance: Relative residual at which the eigenvalue is taken as found.
        top_iterations: Most iterations for the eigenvalue.
        trace_probes: Random vectors for the trace.
        rho: Radius ρ of the sharpness, in the units of the weights.
        directions: Random directions of the loss curves.
        points: Values of α in [−1, 1] of the loss curves, odd.
        spectrum_steps: Lanczos steps of each probe of the spectrum.
        spectrum_probes: Random vectors of the spectrum.
        spectrum_points: Eigenvalues at which its density is written.
        spectrum_width: Standard deviation of the Gaussians that smooth it, as a part of its whole range.
        spectrum_alpha: α > 0 of the effective dimension Σ λ / (λ + α) over the positive eigenvalues λ.
        examples: Training examples that the loss is averaged over; all where there are fewer.
        space: `surviving` weights, the directions in which the network can move, or the `full` parameter space.
        levels: Levels to measure; null: all.
        seed: Training seed, of examples, probes and directions. Linked to `seed_everything` on the command line.

    Raises:
        UserError: An argument is outside what is allowed.
    """

    SECTION = "flatness"
    file = "loss_curves.csv"
    measures_later: ClassVar[bool] = True

    def __init__(
        self,
        hessian_top: bool = False,
        hessian_trace: bool = False,
        sharpness: bool = False,
        loss_curves: bool = False,
        spectrum: bool = False,
        top_tolerance: float = 1e-4,
        top_iterations: int = 100,
        trace_probes: int = 16,
        rho: float = 0.05,
        directions: int = 5,
        points: int = 11,
        spectrum_steps: int = 60,
        spectrum_probes: int = 8,
        spectrum_points: int = 201,
        spectrum_width: float = 0.01,
        spectrum_alpha: float = 1.0,
        examples: int = 500,
        space: Literal["surviving", "full"] = "surviving",
        levels: Sequence[int] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        counts = {"top_iterations": top_iterations, "trace_probes": trace_probes, "directions": directions}
        counts |= {"spectrum_steps": spectrum_steps, "spectrum_probes": spectrum_probes}
        for name, count in (counts | {"examples": examples}).items():
            if count < 1:
                raise UserError(f"flatness.{name} is {count}; it must be at least 1")
        sizes = {"top_tolerance": top_tolerance, "rho": rho}
        for name, size in (sizes | {"spectrum_width": spectrum_width, "spectrum_alpha": spectrum_alpha}).items():
            if not 0 < size < math.inf:
                raise UserError(f"flatness.{name} is {size}; it must be above 0")
        if spectrum_points < 2:
            raise UserError(f"flatness.spectrum_points is {spectrum_points}; it must be at least 2")
        check_choice("flatness.space", space, ("surviving", "full"))
        if points < 3 or points % 2 == 0:
            raise UserError(f"flatness.points is {points}; it must be odd and at least 3, so that α = 0 is among them")
        self.hessian_top, self.hessian_trace = hessian_top, hessian_trace
        self.sharpness, self.loss_curves = sharpness, loss_curves
        self.top_tolerance, self.top_iterations, self.trace_probes = top_tolerance, top_iterations, trace_probes
        self.rho, self.directions, self.points = rho, directions, points
        self.spectrum, self.spectrum_steps, self.spectrum_probes = spectrum, spectrum_steps, spectrum_probes
        self.spectrum_points, self.spectrum_width, self.spectrum_alpha = spectrum_points, spectrum_width, spectrum_alpha
        self.spectra: list[dict[str, float | int]] = []
        self._before: dict[str, dict[str, Any]] = {}
        self.examples, self.space, self.levels, self.seed = examples, space, levels, seed

    def check_levels(self, last_level: int) -> None:
        """Find out whether all levels asked for are among the run's."""
        refuse_other_levels("flatness.levels", self.levels or (), last_level)

    def shorten(self) -> None:
        """Measure every level, with a single product, probe and direction."""
        self.levels = None
        self.top_iterations = self.trace_probes = self.directions = 1
        self.spectrum_steps, self.spectrum_probes = 2, 1
        self.points = self.spectrum_points = 3

    def columns(self) -> Sequence[Column]:
        """Return those of the measures that are switched on, each with the settings that decide its values."""
        everywhere = {"examples": self.examples, "space": self.space}
        top = everywhere | {"top_tolerance": self.top_tolerance, "top_iterations": self.top_iterations}
        spectrum = {
            "spectrum_alpha": self.spectrum_alpha,
            "spectrum_steps": self.spectrum_steps,
            "spectrum_probes": self.spectrum_probes,
        }
        measured = (
            (self.hessian_top, TOP, top),
            (self.hessian_trace, TRACE, everywhere | {"trace_probes": self.trace_probes}),
            (self.sharpness, (SHARPNESS,), everywhere | {"rho": self.rho}),
            (self.spectrum, EFFECTIVE_DIMENSION, everywhere | spectrum),
        )
        return [
            column.measured_with(**settings) for wanted, columns, settings in measured if wanted for column in columns
        ]

    def lacks(self, row: Mapping[str, float | int]) -> bool:
        """Tell whether a level that is to be measured lacks a measure, its loss curves or its spectrum.

        Raises:
            UserError: A table so far was measured with other settings.
        """
        self._check_tables()
        if self.levels is not None and row["level"] not in self.levels:
            return False
        tables = ((self.loss_curves, self.table), (self.spectrum, self.spectra))
        missing = any(wanted and all(entry["level"] != row["level"] for entry in table) for wanted, table in tables)
        return missing or super().lacks(row)

    def measure_level(self, trainer: pl.Trainer, pl_module: Classifier, level: Level) -> dict[str, float]:
        """Return the measures that are switched on."""
        wanted = (self.hessian_top, self.hessian_trace, self.sharpness, self.loss_curves, self.spectrum)
        if not any(wanted) or (self.levels is not None and level.level not in self.levels):
            return {}
        measures: dict[str, float] = {}
        with tqdm(
            desc=f"flatness of level {level.level}",
            unit="pass",
            delay=_BAR_AFTER_SECONDS,
            leave=False,
            disable=not trainer.is_global_zero or None,
        ) as bar:
            objective = _Watched(
                bar, pl_module, self._batches(trainer), level.masks if self.space == "surviving" else None
            )
            if self.hessian_top:
                top = hessian_top(
                    objective,
                    tolerance=self.top_tolerance,
                    max_iterations=self.top_iterations,
                    generator=self._generator("hessian top", level),
                )
                measures["hessian_top"] = top.value
                measures["hessian_top_iterations"] = top.iterations
                measures["hessian_top_residual"] = top.residual
            if self.hessian_trace:
                trace = hessian_trace(
                    objective, probes=self.trace_probes, generator=self._generator("hessian trace", level)
                )
                measures["hessian_trace"], measures["hessian_trace_error"] = trace.value, trace.standard_error
            if self.sharpness:
                measures["sharpness"] = sharpness(objective, rho=self.rho)
            if self.loss_curves:
                self._measure_curves(objective, level)
            if self.spectrum:
                dimension = self._measure_spectrum(objective, level)
                measures["effective_dimension"] = dimension.value
                measures["effective_dimension_error"] = dimension.standard_error
        return measures

    def write(self, trainer: pl.Trainer) -> None:
        """Write loss curves and spectra, by level, if there are any."""
        super().write(trainer)
        write_by_level(trainer, "spectrum.csv", self.spectra)

    def state_dict(self) -> dict[str, Any]:
        """Return both tables so far, and what they were measured with."""
        return super().state_dict() | {"spectra": self.spectra, "measured_with": self._tables_with()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the tables of a run that was left, perhaps by a version that knew no spectra or kept no settings."""
        super().load_state_dict(state_dict)
        self.spectra = state_dict.get("spectra", [])
        self._before = state_dict.get("measured_with", {})

    def _tables_with(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each table that has rows: those that it was begun with, else those of now."""
        both = {"examples": self.examples, "space": self.space}
        curves = both | {"directions": self.directions, "points": self.points}
        spectra = both | {
            f"spectrum_{name}": getattr(self, f"spectrum_{name}") for name in ("steps", "probes", "points", "width")
        }
        tables = (("loss_curves", self.table, curves), ("spectrum", self.spectra, spectra))
        return {name: self._before.get(name, settings) for name, table, settings in tables if table}

    def _check_tables(self) -> None:
        """Find out whether the tables that are gone on with were measured as they would be now."""
        for table, settings in self._before.items():
            for name, then in settings.items() if getattr(self, table) else ():
                now = getattr(self, name)
                if now != then:
                    raise UserError(
                        f"flatness.{table} would be measured with {name} {json.dumps(now)}, but the levels so far were "
                        f"with {json.dumps(then)}: set it back to {json.dumps(then)}, or choose another --run_dir"
                    )

    def _measure_spectrum(self, objective: Objective, level: Level) -> EffectiveDimension:
        spectrum = hessian_spectrum(
            objective,
            steps=self.spectrum_steps,
            probes=self.spectrum_probes,
            generator=self._generator("hessian spectrum", level),
        )
        eigenvalues, density = spectrum.density(self.spectrum_points, self.spectrum_width)
        rows: list[dict[str, float | int]] = [
            {"level": level.level, "sparsity": level.sparsity, "eigenvalue": eigenvalue, "density": value}
            for eigenvalue, value in zip(eigenvalues.tolist(), density.tolist(), strict=True)
        ]
        self.spectra = with_level(self.spectra, level.level, rows)
        return spectrum.effective_dimension(self.spectrum_alpha)

    def _measure_curves(self, objective: Objective, level: Level) -> None:
        curves = loss_curves(
            objective,
            directions=self.directions,
            points=self.points,
            generator=self._generator("loss curves", level),
        )
        rows: list[dict[str, float | int]] = [
            {
                "level": level.level,
                "sparsity": level.sparsity,
                "direction": direction,
                "alpha": alpha,
                "loss": loss,
            }
            for direction, losses in enumerate(curves.losses.tolist())
            for alpha, loss in zip(curves.alphas.tolist(), losses, strict=True)
        ]
        self.table = with_level(self.table, level.level, rows)

    def _generator(self, purpose: str, level: Level) -> torch.Generator:
        return torch_generator(self.seed, purpose, level.level)

    def _batches(self, trainer: pl.Trainer) -> list[tuple[Tensor, Tensor]]:
        """Return the same examples at every level."""
        data = data_of(trainer)
        train, view = data.split("train"), data.view()
        order = Stream(self.seed, "flatness examples").permutation(len(train.labels))[: self.examples]
        chosen = torch.from_numpy(order).to(train.labels.device)
        return [(view.plain(train.images[index]), train.labels[index]) for index in torch.split(chosen, _BATCH_SIZE)]


class _Watched(Objective):
    """An objective that moves a progress bar at each evaluation."""

    def __init__(self, bar: Any, module: Classifier, batches: list[tuple[Tensor, Tensor]], masks: Any) -> None:
        super().__init__(module.net, batches, masks, criterion=module.loss.for_measuring().sum)
        self._bar = bar

    def loss(self, offset: Tensor | None = None) -> float:
        self._bar.update()
        return super().loss(offset)

    def losses_along(self, direction: Tensor, alphas: Sequence[float]) -> list[float]:
        self._bar.update(len(alphas))
        return super().losses_along(direction, alphas)

    def loss_and_gradient(self) -> tuple[float, Tensor]:
        self._bar.update(3)
        return super().loss_and_gradient()

    def hessian_vector_products(self, vectors: Tensor) -> Tensor:
        self._bar.update(6 * len(vectors))
        return super().hessian_vector_products(vectors)
