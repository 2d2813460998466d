"""RESULTS.md: tables, figures, and sentences whose numbers are those of the kept runs."""

from collections.abc import Sequence

from results.beyond import beyond_section
from results.claims import FOLLOWS, SETTINGS, add_rows, claim_rows, follows, spearman
from results.digits_sections import digits_sections
from results.evidence import Evidence, widths_phases
from results.fidelity import fidelity_section
from results.larger_sections import convolutional_section, mnist_section
from results.wording import Text, number
from sdd.errors import UserError
from sdd.files import read_json

PAGE = "RESULTS.md"


def page(evidence: Evidence) -> str:
    """Return the page."""
    text = Text()
    _introduction(text, evidence)
    text.add("## The paper's claims")
    text.add(
        "He et al. (ICML 2022) train networks on MNIST, CIFAR and Tiny ImageNet; this is what smaller experiments say of each claim. "
        "*Yes*: the claim holds here; *no*: it does not; *not decided*: neither, and more seeds or levels would tell. Brackets are 95 % confidence "
        "intervals over training seeds, for one split and one draw of wrong labels: of means, of rank correlations through Fisher's z, of "
        "ratios by their logarithms, and of depth, gain and recovery with each seed measured at the levels that the others choose. n counts "
        "seeds. Where it is 1 there is no interval: whether there is a double descent is then told from the curve and the size of its test "
        "set, and what is told by an interval is not decided. The verdicts are not corrected for their number."
    )
    add_rows(text, claim_rows(evidence))
    text.add(
        "A curve has a double descent where depth and recovery (from trough to peak) are above zero at 95 %, the depth is more than a point, "
        "and the recovery at least half of it; it has none where a depth or a recovery of more than a point is excluded. Rank "
        f"correlations are over all levels; a measure is said to follow accuracy where the whole interval is below −{FOLLOWS}, and not to "
        "where all of it is above. The distance is said to turn where accuracy does where the interval lies within two levels of the "
        "trough. Both are asked of the settings that have a double descent. These two limits are ours, and were set with the results known."
    )
    digits_sections(text, evidence)
    mnist_section(text, evidence)
    convolutional_section(text, evidence)
    fidelity_section(text, evidence)
    beyond_section(text, evidence)
    _left_out(text, evidence)
    return text.content


def _introduction(text: Text, evidence: Evidence) -> None:
    text.add("# Results")
    text.add(
        "What sparse double descent looks like in experiments that a laptop can do, and which of the paper's claims they bear out. This page "
        "and its figures are written by a command from the small tables in `docs/results/runs` (no weights). What was found is computed from "
        "them as the page is written, and sentences that state a finding are refused where the numbers do not bear them out; a test "
        "writes the page anew. What was set is in `results/curves.yaml`."
    )
    text.add(
        "```sh",
        "make results                                    # which runs these are, how many are kept, and what they cost",
        "make results FROM=docs/results/runs             # this page and its figures from the kept tables, in a minute",
        "python -m results digits/base --train           # the runs of a curve, or of a task; then --keep",
        "python -m sdd report docs/results/runs/digits   # look at them yourself, and load_runs for a table",
        "```",
    )
    text.add(
        "`results/curves.yaml` has the settings of every curve; each folder of `docs/results/runs` has the seed, all settings, the "
        "versions and the machine of its run."
    )
    rows, hours, count = [], 0.0, 0
    for name, task in evidence.tasks.items():
        runs = evidence.runs(name)
        if runs:
            seconds = sum(float(row["seconds"]) for run in runs for row in run.rows)
            hours, count = hours + seconds / 3600, count + len(runs)
            rows.append((task.about, str(len(evidence.names(name))), str(len(runs)), number(seconds / 3600)))
    if not rows:
        raise UserError(f"{evidence.folder} holds no run that results/curves.yaml asks for")
    text.table(("what was trained", "curves", "runs", "hours"), rows)
    words, older = _environment(evidence)
    text.say(
        f"In all {count:,} runs and {number(hours)} hours in their levels, measures included, on two cores. {words} (the former in "
        "the runs that are there to be compared).",
        older == {"avx2"},
    )


def _environment(evidence: Evidence) -> tuple[str, set[str]]:
    """Return the versions and the machine of the runs, in words, and the curves with an older processor's instructions."""
    found: dict[str, set[str]] = {}
    older: set[str] = set()
    for task in evidence.tasks:
        for run in evidence.runs(task):
            held = read_json(run.path / "environment.json")
            older |= {run.name.split("-")[0]} if held["cpu"] == "AVX2" else set()
            for name, value in held.items():
                found.setdefault(name, set()).add(str(value))
    words = {
        name: " and ".join(sorted(found[name])) for name in ("python", "sdd", "torch", "lightning", "machine", "cpu")
    }
    versions = f"Python {words['python']}, sdd {words['sdd']}, PyTorch {words['torch']}, Lightning {words['lightning']}"
    return f"{versions}, on {words['machine']} with {words['cpu']}", older


def _left_out(text: Text, evidence: Evidence) -> None:
    """Say what there is to do."""
    text.add("## Left out, and open")
    missing = [
        f"`{task.name}/{name}`"
        for task in evidence.tasks.values()
        for name in task.curves
        if not evidence.has(task.name, name)
    ]
    if missing:
        text.add(f"Not trained yet: {_listed(missing)}; `python -m results` says what they cost.")
    text.say(
        "- The paper's sizes of ResNet-18, VGG-16 and ResNet-101, on the original CIFAR and Tiny ImageNet: `python -m sdd reproduce "
        "--list --scale paper` counts 265 runs of 1,154,720 epochs, or 50 years of two CPU cores; they need GPUs, and none was at hand. The convolutional networks here are narrow, see "
        "4,000 images of 16 pixels, and those are CIFAR-10's as lossy JPEG: none of these numbers can be compared with CIFAR-10's.\n"
        "- Fashion-MNIST and labels given by people (CIFAR-10N): the data could not be had where this was run.\n"
        "- One data set, one split and one draw of wrong labels for each curve: intervals are over training seeds only. "
        "`--data.noise_seed` and `--data.subset_seed` draw others.\n"
        "- Open: what makes the learning distance follow accuracy over the whole curve in the paper's recipe of MNIST and in no "
        "smaller experiment here, the number of images or of epochs; whether the best epochs fall and climb with heavy noise on other "
        "data too; a VGG-16 that overfits; whether narrow dense networks have a double descent.",
        _follows(evidence, "mnist") <= {None, True},
        _follows(evidence, "digits", "mnist_6000") <= {None, False},
        evidence.curve("vgg16", "rate_40").verdict is None,
        widths_phases(evidence).double_descent is None,
    )


def _follows(evidence: Evidence, *tasks: str) -> set[bool | None]:
    """Return whether the learning distance follows accuracy, in the settings of some tasks that have a double descent."""
    curves = [evidence.curve(*place) for place in SETTINGS if place[0] in tasks and evidence.has(*place)]
    return {follows(spearman(curve, "distance")) for curve in curves if curve.verdict}


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
