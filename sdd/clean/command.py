"""`python -m sdd clean`: free the disk space of finished runs, saying first what needs what goes."""

from collections.abc import Sequence
from typing import get_args

from sdd.clean.plan import Freed, Keep, freed_of
from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.places import path_argument
from sdd.pruning.halving import halve, is_halved
from sdd.runs.checkpoint_file import checkpoint_bytes, read_checkpoint
from sdd.runs.finding import runs_in
from sdd.runs.level_file import holds_weights, masks_alone

_NEEDS = {
    "checkpoints": "the last checkpoint, from which a finished run is measured more, its damaged tables are written "
    "anew, and runs with dense_from start",
    "half": "half the bits of the levels' weights, which interpolate, redense, distillation and measuring more want, "
    "and of which test gives slightly other numbers then",
    "masks": "the weights of the levels, which test, interpolate, redense and distillation read",
    "none": "the levels, which test, interpolate, masks_from, redense and distillation read",
}
_MEGA = 1e6


def clean(arguments: Sequence[str]) -> int:
    """Free the disk space of finished runs; see `--help`.

    Args:
        arguments: The command line after `clean`.

    Returns:
        0.

    Raises:
        UserError: There are no runs there, or a level cannot be read.
    """
    chosen = _parser().parse_args(arguments)
    keep: Keep = chosen.levels
    runs = freed_of(runs_in(chosen.runs), keep, sources=chosen.sources)
    goes = [_NEEDS["checkpoints"], *([_NEEDS[keep]] if keep != "all" else [])]
    say(f"{'would go' if chosen.dry_run else 'goes'}: {'; '.join(goes)}")
    total = 0
    for freed in runs:
        size, reason = (0, freed.reason) if freed.reason else _free(freed, keep, dry_run=chosen.dry_run)
        total += size
        say(f"  {freed.folder.path}: {reason or f'{size / _MEGA:,.1f} MB'}")
    say(f"{total / _MEGA:,.1f} MB {'would be freed' if chosen.dry_run else 'freed'}")
    return 0


def _free(freed: Freed, keep: Keep, *, dry_run: bool) -> tuple[int, str]:
    """Free what is to be freed of a run while nobody works in it.

    Returns:
        How many bytes, and why it is left as it is; empty where it is not.
    """
    try:
        with freed.folder.owned():
            size = sum(path.stat().st_size for path in freed.removed)
            for path in freed.shrunk:
                content = read_checkpoint(path)
                if holds_weights(content) and not (keep == "half" and is_halved(content)):
                    small = checkpoint_bytes(halve(content) if keep == "half" else masks_alone(content))
                    size += path.stat().st_size - len(small)
                    if not dry_run:
                        write_atomically(path, bytes(small))
            if not dry_run:
                for path in freed.removed:
                    path.unlink()
            return size, ""
    except UserError as error:
        return 0, f"left as it is: {error}"


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m sdd clean",
        description="Free the disk space of finished runs: the checkpoint that measuring more later starts from, and "
        "with --levels what they have kept of their levels. Curves and summaries stay. Left as they are: runs that are "
        "not finished or in work, and runs that another one beside them builds on.",
    )
    parser.add_argument(
        "runs", nargs="+", type=path_argument, metavar="RUNS", help="Folders of runs, or that hold runs."
    )
    parser.add_argument(
        "--levels",
        choices=get_args(Keep),
        default="all",
        help="What stays of the levels: weights and masks (all), the same with weights in 16 bits (half), masks alone, "
        "nothing. Default: all.",
    )
    parser.add_argument("--sources", action="store_true", help="Free runs too that others build on, or may.")
    parser.add_argument("--dry_run", action="store_true", help="Only say what would be freed.")
    return parser
