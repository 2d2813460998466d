"""The tables of docs/measures.md, of columns and of what measures cost, from their declarations.

`python -m sdd.measures.markdown docs/measures.md` brings them up to date.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from sdd.measures import calibration, distance, dynamics, hessian, landscape, spectrum
from sdd.measures.accuracy import VALIDATION
from sdd.measures.activation import ACTIVATION_ENTROPY
from sdd.measures.built_in import ALWAYS
from sdd.measures.calibration import CALIBRATION
from sdd.measures.columns import Column
from sdd.measures.dynamics import BEST_EPOCH, BEST_TEST_ACC
from sdd.measures.sharpness import SHARPNESS

_DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "": ""}


def column_table() -> str:
    """Return the columns that a run has without asking for more, a line each."""
    lines = ["| column | meaning | |", "|---|---|---|"]
    for column in (*ALWAYS, *VALIDATION):
        unit = "in [0, 1]" if column.fraction else f"in {column.unit}" if column.unit else ""
        about = ", ".join(filter(None, (unit, _DIRECTIONS[column.better])))
        lines.append(f"| `{column.name}` | {_meaning(column)} | {about} |".replace("|  |", "| |"))
    return "\n".join(lines)


def cost_table() -> str:
    """Return what is measured on request, by the setting that asks for it."""
    measured = [
        ("flatness.hessian_top", _names(hessian.TOP), hessian.TOP[0].cost),
        ("flatness.hessian_trace", _names(hessian.TRACE), hessian.TRACE[0].cost),
        ("flatness.sharpness", _names([SHARPNESS]), SHARPNESS.cost),
        ("flatness.loss_curves", "`loss_curves.csv`", landscape.COST),
        (
            "flatness.spectrum",
            f"`spectrum.csv`, {_names(spectrum.EFFECTIVE_DIMENSION)}",
            spectrum.EFFECTIVE_DIMENSION[0].cost,
        ),
        ("distance.path", "`distance_path.csv`", distance.PATH_COST),
        ("entropy.activation", f"{_names([ACTIVATION_ENTROPY])} and by layer", ACTIVATION_ENTROPY.cost),
        ("calibration.ece", _names(CALIBRATION), calibration.COST),
    ]
    rows = [(f"`--{setting} true`", names, cost) for setting, names, cost in measured]
    best = f"`epochs.csv`, {_names([BEST_TEST_ACC, BEST_EPOCH])}"
    rows.append(("`--dynamics.levels all`", best, dynamics.COST))
    head = "cost a level, in passes over `flatness.examples` training examples (default 500)"
    lines = [f"| measure | columns | {head} |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {setting} | {names} | {cost} |" for setting, names, cost in rows)])


def with_tables(text: str) -> str:
    """Return a text whose tables, each between a pair of markers, are those of the declarations.

    Args:
        text: Holds `<!-- columns -->` … `<!-- end -->` and `<!-- costs -->` … `<!-- end -->`, once each.

    Raises:
        ValueError: It lacks a pair of markers.
    """
    for name, table in (("columns", column_table()), ("costs", cost_table())):
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"no pair of markers for the table of {name}")
        text = f"{before}{start}{table}\n{end}{after}"
    return text


def _meaning(column: Column) -> str:
    return f"{column.label}: {column.note}" if column.note else column.label


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
