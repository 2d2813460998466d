"""What README.md says was found: the end of the first run's printout, and the sentences with numbers."""

from results.claims import spearman
from results.evidence import Evidence, ends_of
from results.ticket_levels import best_and_worst
from results.wording import Text, interval, percent, points
from sdd.analysis.reading import Run
from sdd.analysis.report_text import summary

_PHASE_LINES = 6


def passages(evidence: Evidence) -> dict[str, str]:
    """Return the passages by a name, each on one line but the printout."""
    base, text = evidence.curve("digits", "base"), Text()
    seeds = base.seeds
    first, older = base.group.runs[0], evidence.curve("digits", "avx2").group.runs[0]
    text.say(
        f"here the trough is {_trough(first)}, with the instructions of older processors {_trough(older)}. Over {seeds} seeds the "
        f"depth is {interval(base.interval('depth'), 1, 100)} points, 95 % interval in brackets; compare that, not a single run.",
        first.seed == older.seed == 0,
    )
    turn = base.analysis["turning_point"]["levels_from_trough"]
    tickets = best_and_worst(evidence)
    text.say(
        f"On digits with 40 % wrong labels, over {seeds} seeds, there is a double descent at 95 %: the trough lies {points(base.interval('depth'))} "
        f"points below the dense network, the peak {points(base.interval('gain'))} points above it. The paper's learning distance "
        f"turns {interval(ends_of(turn), 1)} levels from the trough, but hardly follows accuracy over all levels (Spearman "
        f"{interval(spearman(base, 'distance'), 2)}). Winning tickets lose to fresh initialisations at {len(tickets.lost)} of "
        f"{tickets.levels} levels and win at {len(tickets.won)} (Holm's correction), by up to {points(tickets.worst[0])} and "
        f"{points(tickets.best[0])} points (intervals of those levels alone).",
        base.verdict is True,
        0 < turn["estimate"] < 1,
        abs(spearman(base, "distance").estimate) < 0.3,
    )
    printed = summary(first.rows, first.summary).splitlines()[:_PHASE_LINES]
    phases, accuracy = first.phases, [float(row["test_acc"]) for row in first.rows]
    assert phases.trough is not None
    assert phases.peak is not None
    at = (accuracy[0], accuracy[phases.trough], accuracy[phases.peak])
    dense, trough, peak = (percent(value, 0) for value in at)
    return {
        "printout": "\n".join(printed),
        "picture": f"Four phases of digits: test accuracy {dense} dense, {trough} at the trough, {peak} at the peak",
        "seeds": text.lines[0],
        "found": text.lines[2],
    }


def _trough(run: Run) -> str:
    """Return a run's lowest accuracy and its level, in words."""
    place = run.phases.trough
    assert place is not None
    return f"{percent(float(run.rows[place]['test_acc']), 2)} at level {run.rows[place]['level']}"
