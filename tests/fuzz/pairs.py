"""Settings that are drawn together: what works alone may not work beside another."""

from itertools import combinations
from pathlib import Path
from random import Random

import yaml

from tests.fuzz.settings import Case

CHOICES: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
"""Values that each setting may be given, by its name; {done} in one is the folder of a finished run."""

_MORE = {
    "model.compile": ("--model.compile_args.backend=eager",),
    "trainer.gradient_clip_algorithm": ("--trainer.gradient_clip_val=0.5",),
    "model.distill_from": ("--model.distill_weight=0.5",),
    "model.distill_weight": ("--model.distill_from={done}",),
    "pruning.masks_from": ("--pruning.retrain=scratch",),
    "pruning.masks_shuffled": ("--pruning.masks_from={done}", "--pruning.retrain=scratch"),
    "pruning.dense_from": ("--pruning.sparsities=[0.5]",),
}
"""What makes a setting count, or quick."""


def pairs(count: int, seed: int, done: str) -> list[Case]:
    """Return cases of two settings each.

    Args:
        count: How many.
        seed: Of the draws.
        done: Folder of a finished run.
    """
    draws = Random(seed)
    every = [*combinations(CHOICES, 2)]
    cases = []
    for names in draws.sample(every, min(count, len(every))):
        given = tuple((name, draws.choice(CHOICES[name]).replace("{done}", done)) for name in names)
        more = [part.replace("{done}", done) for name in names for part in _MORE.get(name, ())]
        cases.append(Case(given, typed=True, more=tuple(more), counted="pairs"))
    return cases
