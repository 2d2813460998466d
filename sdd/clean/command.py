"""`python -m sdd clean`: free the disk space of finished runs, saying what needs what has gone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from sdd.clean.plan import Freed, Keep, freed_of
from sdd.console import OneLineParser, say
from sdd.errors import UserError
from sdd.files import write_atomically
from sdd.places import path_argument, resolved
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
        0; 1 where something could not be freed.

    Raises:
        UserError: There are no runs there, or a level cannot be read.
    """
    chosen = _parser().parse_args(arguments)
    keep: Keep = chosen.levels
    runs = freed_of(runs_in(chosen.runs), keep, sources=chosen.sources)
    if chosen.dry_run:
        say(f"would go: {_needs(['checkpoints', keep])}")
    every = list[_Done]()
    for freed in runs:
        done = _Done(reason=freed.reason or _elsewhere(freed.folder.path, chosen.runs))
        if not done.reason:
            _free(freed, keep, done, dry_run=chosen.dry_run)
        say(f"  {freed.folder.path}: {done.words}", error=done.failed)
        every.append(done)
    gone = [what for what in _NEEDS if any(what in done.gone for done in every)]
    if gone and not chosen.dry_run:
        say(f"gone: {_needs(gone)}")
    total = sum(done.size for done in every)
    say(f"{total / _MEGA:,.1f} MB {'would be freed' if chosen.dry_run else 'freed'}")
    return 1 if any(done.failed for done in every) else 0


@dataclass
class _Done:
    """What has been freed of a run.

    Attributes:
        size: In bytes.
        gone: Names of what has gone, as in `_NEEDS`.
        reason: Why no more has, in words; empty where all has that was to.
        failed: Whether more could not be freed.
    """

    size: int = 0
    gone: set[str] = field(default_factory=set)
    reason: str = ""
    failed: bool = False

    @property
    def words(self) -> str:
        """What is said of the run."""
        freed = f"{self.size / _MEGA:,.1f} MB"
        return f"{freed}, the rest {self.reason}" if self.size and self.reason else self.reason or freed


def _elsewhere(run: Path, given: Sequence[Path]) -> str:
    """Return why a run is left as it is that a link leads to; empty for one inside the folders given."""
    real = resolved(run)
    if any(real.is_relative_to(resolved(folder)) for folder in given):
        return ""
    return f"left as it is: a link leads to it; give {real} to free it"


def _needs(what: Iterable[str]) -> str:
    return "; ".join(_NEEDS[name] for name in what if name in _NEEDS)


def _free(freed: Freed, keep: Keep, done: _Done, *, dry_run: bool) -> None:
    """Free what is to be freed of a run while nobody works in it, and note it; what cannot be costs no other run."""
    try:
        with freed.folder.owned():
            for path in freed.removed:
                held = path.stat().st_size
                if not dry_run:
                    path.unlink()
                done.size += held
                done.gone.add("checkpoints" if freed.folder.is_checkpoint(path) else keep)
            for path in freed.shrunk:
                content = read_checkpoint(path)
                if holds_weights(content) and not (keep == "half" and is_halved(content)):
                    small, held = checkpoint_bytes(_shrunk(content, keep)), path.stat().st_size
                    if not dry_run:
                        write_atomically(path, bytes(small))
                    done.size += held - len(small)
                    done.gone.add(keep)
    except UserError as error:
        done.reason = f"left as it is: {error}"
    except OSError as error:
        done.reason, done.failed = f"could not be freed: {error}", True


def _shrunk(content: dict[str, Any], keep: Keep) -> dict[str, Any]:
    return halve(content) if keep == "half" else masks_alone(content)


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
