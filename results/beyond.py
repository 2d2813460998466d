"""What followers of the paper claim, and what we found beside it."""

from results.claims import Row, add_rows, descent_row, section
from results.evidence import CurveEvidence, Evidence, over_seeds, widths_phases
from results.wording import Text, interval, percent, points, verdict

DODGES = {
    "decay_0.001": "weight decay 0.001 (Quétu & Tartaglione 2023)",
    "decay_0.005": "weight decay 0.005 (Quétu & Tartaglione 2023)",
    "distilled": "distillation from a sparse network (Quétu & Tartaglione 2024)",
    "smoothing": "label smoothing 0.1",
    "penalty": "a penalty on the distance",
    "generalized": "generalised cross-entropy",
    "symmetric": "symmetric cross-entropy",
}
SHOWS = {
    "one_shot": "one-shot pruning",
    "layer": "pruning in each layer by itself",
    "largest": "the largest weights pruned first",
    "snip": "SNIP, at initialisation",
    "synflow": "SynFlow, at initialisation",
    "shuffled": "masks shuffled within each layer",
}

_SECTION, _DIGITS = section("digits"), "digits, 40 %"


def beyond_section(text: Text, evidence: Evidence) -> None:
    """Add the section."""
    text.add("## Beyond the paper")
    text.add(
        "Remedies were tried untuned, at one or two strengths each. Quétu & Tartaglione 2024 is *DSD²: Can we dodge sparse double "
        "descent and compress the neural network worry-free?*; their work of 2023 is its predecessor on weight decay."
    )
    base = evidence.curve("digits", "base")
    rows: list[Row] = [
        *(
            descent_row("the double descent is dodged", words, evidence.curve("digits", name), want=False)
            for name, words in DODGES.items()
        ),
        *(
            descent_row("the double descent is seen", words, evidence.curve("digits", name))
            for name, words in SHOWS.items()
        ),
        _width(evidence),
        _calibration(base),
        _entropy(base),
    ]
    add_rows(text, rows)


def _width(evidence: Evidence) -> Row:
    found = widths_phases(evidence)
    said = f"depth {points(found.depth)}, gain {points(found.gain, sign=True)} points, n = {found.seeds}"
    return ("the double descent is seen", "narrower dense networks", verdict(found.double_descent), said, _SECTION)


def _calibration(curve: CurveEvidence) -> Row:
    peak = curve.mean_phases.peak
    assert peak is not None
    error = curve.values("test_ece")
    change = over_seeds(error[:, peak] - error[:, 0])
    dense = percent(error[:, 0].mean())
    said = (
        f"expected calibration error {dense} dense, {points(change, sign=True)} points at the peak, n = {curve.seeds}"
    )
    agrees = None if change.low <= 0 <= change.high else bool(change.high < 0)
    return ("the best sparse networks are better calibrated than dense ones", _DIGITS, verdict(agrees), said, _SECTION)


def _entropy(curve: CurveEvidence) -> Row:
    trough, peak = curve.mean_phases.trough, curve.mean_phases.peak
    assert trough is not None
    assert peak is not None
    change = over_seeds(curve.values("activation_entropy")[:, peak] - curve.values("activation_entropy")[:, trough])
    said = f"{interval(change, 2, sign=True)} bit from the trough to the peak, n = {curve.seeds}"
    agrees = None if change.low <= 0 <= change.high else bool(change.high < 0)
    claim = "the activations' entropy falls where accuracy climbs (Quétu & Tartaglione 2024)"
    return (claim, _DIGITS, verdict(agrees), said, _SECTION)
