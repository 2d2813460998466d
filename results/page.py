"""RESULTS.md: tables, figures, and sentences whose numbers are those of the kept runs."""

from collections.abc import Sequence

from results.beyond import beyond_section
from results.claims import FOLLOWS, add_rows, claim_rows
from results.digits_sections import digits_sections
from results.evidence import Evidence
from results.fidelity import fidelity_section
from results.larger_sections import convolutional_section, mnist_section
from results.wording import Text, number
from sdd.files import read_json

PAGE = "RESULTS.md"


def page(evidence: Evidence) -> str:
    """Return the page."""
    text = Text()
    _introduction(text, evidence)
    text.add("## The paper's claims")
    text.add(
        "He et al. (ICML 2022) train networks on MNIST, CIFAR and Tiny ImageNet; this is what smaller experiments say of each claim. "
        "*Yes*: the claim holds here; *no*: it does not; *not decided*: more seeds would tell. Brackets are 95 % confidence intervals of the "
        "mean over training seeds, for one split and one draw of wrong labels; n counts seeds, and where it is 1 or 2 the verdict is on the mean "
        "curve. The verdicts are not corrected for their number."
    )
    add_rows(text, claim_rows(evidence))
    text.add(
        "A curve has a double descent where depth and recovery (from trough to peak) are above zero at 95 %, the depth is more than a point, "
        "and the recovery at least half of it; it has none where a depth or a recovery of more than a point is excluded. Rank "
        f"correlations are over all levels; a measure is said to follow accuracy where the whole interval is below −{FOLLOWS}, and not to "
        "where all of it is above. The distance is said to turn where accuracy does where the interval lies within two levels of the "
        "trough. These two limits are ours, and were set with the results known."
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
    text.table(("what was trained", "curves", "runs", "hours"), rows)
    text.say(
        f"In all {count:,} runs and {number(hours)} hours in their levels, measures included, on two cores. {_environment(evidence)}"
    )


def _environment(evidence: Evidence) -> str:
    """Return the versions and the machine of the runs, in words."""
    found: dict[str, set[str]] = {}
    for task in evidence.tasks:
        for run in evidence.runs(task):
            for name, value in read_json(run.path / "environment.json").items():
                found.setdefault(name, set()).add(str(value))
    words = {
        name: " and ".join(sorted(found[name])) for name in ("python", "sdd", "torch", "lightning", "machine", "cpu")
    }
    return (
        f"Python {words['python']}, sdd {words['sdd']}, PyTorch {words['torch']}, Lightning {words['lightning']}, on "
        f"{words['machine']} with {words['cpu']} (the former in the runs that are there to be compared)."
    )


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
    text.add(
        "- The paper's sizes of ResNet-18, VGG-16 and ResNet-101, on the original CIFAR and Tiny ImageNet: `python -m sdd reproduce "
        "--list --scale paper` counts 265 runs; they need GPUs, and none was at hand. The convolutional networks here are narrow, see "
        "4,000 images of 16 pixels, and those are CIFAR-10's as lossy JPEG: none of these numbers can be compared with CIFAR-10's.\n"
        "- Fashion-MNIST and labels given by people (CIFAR-10N): the data could not be had where this was run.\n"
        "- One data set, one split and one draw of wrong labels for each curve: intervals are over training seeds only. "
        "`--data.noise_seed` and `--data.subset_seed` draw others.\n"
        "- Open: what makes the learning distance follow accuracy over the whole curve in the paper's recipe of MNIST and in no "
        "smaller experiment here, the number of images or of epochs; whether the best epochs fall and climb with heavy noise on other "
        "data too; a VGG-16 that overfits; whether narrow dense networks have a double descent."
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
