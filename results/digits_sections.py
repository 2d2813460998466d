"""What RESULTS.md says of the digits, in order."""

from results.digits_measures import (
    calibration_section,
    distance_section,
    epochs_section,
    flatness_section,
    redense_section,
)
from results.digits_settings import (
    noise_section,
    phases_section,
    pruning_section,
    remedies_section,
    retraining_section,
    tickets_section,
    width_section,
)
from results.evidence import Evidence
from results.wording import Text

_RECIPE = {
    "data.dataset": "digits",
    "data.noise_rate": 0.4,
    "data.noise_type": "symmetric",
    "model.net.init_args.in_features": 64,
    "model.net.init_args.widths": [300, 100],
    "model.net.init_args.num_classes": 10,
    "pruning.criterion": "magnitude",
    "pruning.epochs_per_level": 50,
    "pruning.exclude": ["fc.weight"],
    "pruning.fraction": 0.2,
    "pruning.levels": 34,
    "pruning.retrain": "lottery",
    "pruning.rewind_steps": 0,
}


def digits_sections(text: Text, evidence: Evidence) -> None:
    """Add the sections on the digits."""
    text.add("## Digits")
    base = evidence.curve("digits", "base")
    text.say(
        "`digits_mlp`: scikit-learn's 1,797 handwritten digits of 8 × 8 pixels, 1,000 to train and 797 to test, a fully connected "
        "network 64-300-100-10, 40 % symmetric noise, 50 epochs a level, a fifth of the weights removed at each of 34 levels by "
        "magnitude, winning tickets rewound to the initialisation. In the tables *trough* and *peak* are those of the mean "
        "curve, *at* how many of the weights remain there; *depth* and *gain* are in points over the seeds, each measured where "
        "the others have trough and peak. Weights are counted without the output layer's 1,000 and the biases, which are never removed.",
        [base.counts(part)[0] for part in ("train", "test")] == [1000, 797],
        base.is_set(_RECIPE),
    )
    phases_section(text, evidence)
    noise_section(text, evidence)
    pruning_section(text, evidence)
    retraining_section(text, evidence)
    tickets_section(text, evidence)
    epochs_section(text, evidence)
    distance_section(text, evidence)
    flatness_section(text, evidence)
    redense_section(text, evidence)
    remedies_section(text, evidence)
    calibration_section(text, evidence)
    width_section(text, evidence)
