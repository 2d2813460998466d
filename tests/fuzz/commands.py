"""Every command on files and folders that something has happened to, and with options that nobody should give."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import yaml
from PIL import Image

from tests.fuzz.copies import Ended, run_copy
from tests.fuzz.damages import DAMAGES
from tests.fuzz.outcomes import Outcome, wrong_end
from tests.fuzz.settings import TINY
from tests.golden.stand_ins import human_labels, image_folder
from tests.small import CONFIG, curve_without_seconds

ZERO, ONE = "runs/zero", "runs/one"

_IMAGES = (
    *("--data.dataset", "image_folder", "--data.root", "images", "--data.image_size", "8"),
    *("--model.net.in_features", "192", "--data.train_size", "null", "--data.load_size", "8"),
)
_HUMAN = ("--data.noise_type", "human", "--data.noise_file", "human.pt", "--data.noise_key", "aggre_label")


def _fit(*more: str) -> tuple[str, ...]:
    return (*TINY, "--dynamics.levels", "all", *more)


ON_RUNS = {
    "fit again": _fit("--run_dir", ZERO),
    "fit more": _fit("--run_dir", ZERO, "--calibration.ece", "true"),
    "test": ("test", "--config", f"{ZERO}/config.yaml", "--ckpt_path", f"{ZERO}/levels/level-001.ckpt"),
    "analyze": ("analyze", "runs", "--out", "out"),
    "report": ("report", "runs", "--out", "out.html"),
    "plot": ("plot", "runs", "--out", "out.svg"),
    "clean": ("clean", "runs", "--levels", "masks"),
    "clean --dry_run": ("clean", "runs", "--levels", "none", "--sources", "--dry_run"),
    "interpolate": ("interpolate", f"{ZERO}:0", f"{ZERO}:1", "--points", "3"),
    "fit masks_from": _fit("--pruning.masks_from", ZERO, "--pruning.retrain", "scratch"),
    "fit dense_from": _fit("--pruning.dense_from", ZERO, "--pruning.sparsities", "[0.5]"),
    "fit distill_from": _fit("--model.distill_from", ZERO, "--model.distill_weight", "0.5"),
    "sweep --dry_run": ("sweep", "sweep.yaml", "--runs", "runs", "--dry_run"),
}
"""Commands that read the run in `ZERO`."""

FILES = (
    *("settings.json", "config.yaml", "environment.json", "data.json", "curve.csv", "columns.json", "summary.json"),
    *("checksums.json", "epochs.csv", ".lock", "levels/level-001.ckpt", "levels", "checkpoints", "checkpoints/*", ""),
)
"""What there is of it; nothing: the folder itself."""

READING = {
    "config": ("config.yaml", _fit("--config", "config.yaml")),
    "sweep": ("sweep.yaml", ("sweep", "sweep.yaml", "--dry_run")),
    "scale": ("scale.yaml", ("reproduce", "4", "--scale", "scale.yaml", "--dry_run")),
    "noise file": ("human.pt", _fit(*_HUMAN)),
    "image": ("images/train/class1/odd.png", _fit(*_IMAGES)),
    "image class": ("images/train/class10", _fit(*_IMAGES)),
    "checkpoint": ("level.ckpt", ("test", *TINY[1:], "--ckpt_path", "level.ckpt")),
    "interpolation": (
        "out/interpolation.json",
        ("interpolate", f"{ZERO}:0", f"{ZERO}:1", "--points", "3", "--out", "out"),
    ),
}
"""A file that a command reads, and the command."""


def _picture(mode: str, form: str, size: tuple[int, int] = (9, 7), **options: object) -> Callable[[Path], None]:
    return lambda path: Image.new(mode, size).save(path, form, **options)  # type: ignore[arg-type]


def _noisy_tail(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:3000])


def _bomb(path: Path) -> None:
    Image.new("1", (30_000, 30_000)).save(path, "PNG")


IMAGES: dict[str, Callable[[Path], None]] = {
    **{f"{mode} PNG": _picture(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")},
    **{f"{mode} JPEG": _picture(mode, "JPEG") for mode in ("L", "RGB", "CMYK")},
    "GIF": _picture("P", "GIF"),
    "GIF of frames": _picture("P", "GIF", save_all=True, append_images=[Image.new("P", (9, 7), 1)]),
    "BMP": _picture("RGB", "BMP"),
    "TIFF": _picture("F", "TIFF"),
    "WebP": _picture("RGB", "WEBP"),
    "EPS": _picture("RGB", "EPS"),
    "PDF": _picture("RGB", "PDF"),
    "ICO": _picture("RGB", "ICO", (16, 16)),
    "a pixel": _picture("RGB", "PNG", (1, 1)),
    "a line": _picture("RGB", "PNG", (2000, 1)),
    "a huge one": _bomb,
    "cut off": _noisy_tail,
    "SVG": lambda path: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>") and None,
    "a header alone": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n") and None,
    "empty": Path.touch,
}
"""Images of every odd kind, under the name odd.png."""

_OUTS = (
    "",
    " ",
    "a/b/c",
    "runs",
    ZERO,
    f"{ZERO}/curve.csv",
    "x" * 300,
    "/proc/x",
    "/dev/null",
    "/dev/full",
    "a\nb",
    ".",
)
_NUMBERS = ("-1", "0", "1", "1e400", "nan", "x", "", "9" * 30, "0.5")

_OPTIONS: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    ("analyze", "runs"): {"--out": _OUTS, "--levels": (*_NUMBERS, "dense")},
    ("report", "runs"): {"--out": _OUTS},
    ("plot", "runs"): {
        "--out": (*_OUTS, "a.pdf", "a.png", "a.gif"),
        "--y": ("", ",", "no", "distance,test_acc", "a+b", "+"),
        "--by": ("", "no", "seed_everything", "data.noise_rate,data.noise_rate"),
        "--panels": ("", "no", "seed_everything"),
        "--x": ("weights", "no"),
        "--along": ("no", "model.net.init_args.widths"),
        "--title": ("$x", "\\frac{", "ünï\n", "$" * 300),
        "--band": ("ci", "none", "no"),
    },
    ("interpolate", f"{ZERO}:0", f"{ZERO}:1"): {
        "--points": _NUMBERS,
        "--examples": _NUMBERS,
        "--levels": ("all", "0"),
        "--sparse": (ONE, "no"),
        "--accelerator": ("gpu", "no"),
        "--statistics": ("recomputed", "no"),
        "--out": _OUTS,
    },
    ("clean", "runs"): {"--levels": ("none", "no"), "--sources": ("",), "--dry_run": ("",)},
    ("sweep", "sweep.yaml", "--dry_run"): {
        "--workers": _NUMBERS,
        "--timeout": (*_NUMBERS, "1d", "0s", "-1h", "1:2:3:4", "9" * 20 + "d"),
        "--runs": _OUTS,
        "--cpus_per_run": _NUMBERS,
        "--ray": ("no://x",),
    },
    ("reproduce", "4", "--dry_run"): {
        "--scale": ("digits", "reduced", "paper", "no", "", ".", "sweep.yaml"),
        "--set": ("a", "a=b", "data.root=x", "no:data.root=x", "=", "pruning.levels=-1", "seed_everything=1"),
        "--runs": _OUTS,
        "--out": _OUTS,
        "--workers": _NUMBERS,
        "--timeout": ("0s", "x"),
    },
    ("reproduce", "--dry_run"): dict.fromkeys(("0", "50", "all", "x", "-1", "1.5", "--list"), ("",)),
    ("test", "--config", f"{ZERO}/config.yaml"): {
        "--ckpt_path": ("", "no", "best", "last", ZERO, f"{ZERO}/levels", f"{ZERO}/curve.csv", "/dev/zero", "null"),
    },
}
"""Options of commands, with values."""


@dataclass(frozen=True)
class Try:
    """A command line in a folder.

    Attributes:
        section: What it tries.
        line: It, in short.
        arguments: It.
        prepare: Called with the folder, before.
        same: Whether a command that is content must leave the undisturbed curve in `ZERO`.
    """

    section: str
    line: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path], None] = lambda place: None
    same: bool = False


def _damage(file: str, damage: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return what puts something else in a file's place."""

    def prepare(place: Path) -> None:
        path = next(iter(sorted(place.glob(file))), place / file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        damage(path)

    return prepare


def all_tries() -> list[list[Try]]:
    """Return all of each kind."""
    folders = [
        Try(
            *("folders", f"{name}, {file or ZERO} {damage}", line),
            *(_damage(f"{ZERO}/{file}".rstrip("/"), DAMAGES[damage]), name == "fit again"),
        )
        for name, line in ON_RUNS.items()
        for file in FILES
        for damage in DAMAGES
    ]
    files = [
        Try("files", f"{name} {damage}", line, _damage(file, DAMAGES[damage]))
        for name, (file, line) in READING.items()
        for damage in DAMAGES
    ]
    file, line = READING["image"]
    images = [Try("images", f"image {kind}", line, _damage(file, make)) for kind, make in IMAGES.items()]
    options = [
        Try("options", " ".join([*line, option, repr(value[:40])]), (*line, _written(option, value)))
        for line, known in _OPTIONS.items()
        for option, values in known.items()
        for value in values
    ]
    return [folders, files, images, options]


def _written(option: str, value: str) -> str:
    takes_none = not option.startswith("--") or option in {"--sources", "--dry_run", "--list"}
    return option if takes_none else f"{option}={value}"


def tries(count: int, seed: int) -> list[Try]:
    """Return some, of all kinds in turn until one has no more."""
    draws = Random(seed)
    kinds = [draws.sample(kind, len(kind)) for kind in all_tries()]
    left = [*kinds]
    drawn: list[Try] = []
    while left and len(drawn) < count:
        for kind in left[: count - len(drawn)]:
            drawn.append(kind.pop())
        left = [kind for kind in left if kind]
    return drawn


class Ground:
    """A folder with two finished runs and whatever else the commands read; each is tried in a copy of it.

    Args:
        folder: To make it in; empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        image_folder(folder / "images", classes=10, train=2, test=1, side=8)
        human_labels(folder, 1437)
        (folder / "CIFAR-10_human.pt").rename(folder / "human.pt")
        own = {"program": "sdd", "method": "grid", "parameters": {"seed_everything": {"values": [0, 1]}}}
        command = ["${env}", "python", "-m", "${program}", *TINY, "${args}"]
        (folder / "sweep.yaml").write_text(yaml.safe_dump(own | {"command": command}))
        shutil.copy(CONFIG, folder / "config.yaml")
        for seed, run in enumerate((ZERO, ONE)):
            ended = run_copy(_fit("--run_dir", run, "--seed_everything", str(seed)), folder)
            assert ended.status == 0, ended.err
        shutil.copy(folder / ZERO / "levels" / "level-001.ckpt", folder / "level.ckpt")
        self._curve = curve_without_seconds(folder / ZERO)

    def outcomes(self, chosen: Sequence[Try]) -> Iterator[Outcome]:
        """Run command lines, each in a copy."""
        for one in chosen:
            with tempfile.TemporaryDirectory(prefix="sdd-fuzz-") as folder:
                place = Path(folder) / "here"
                shutil.copytree(self.folder, place, symlinks=True)
                one.prepare(place)
                ended = run_copy(one.arguments, place)
                yield Outcome(one.line, one.section, *self._judged(one, ended, place))

    def _judged(self, one: Try, ended: Ended, place: Path) -> tuple[str, str]:
        last = (ended.err.splitlines() or [""])[-1]
        if wrong := wrong_end(ended):
            return wrong
        if ended.status == 2:
            return "refused", last
        if ended.status == 1:
            said = [line for line in (ended.err + ended.out).splitlines() if line.strip()]
            return ("said", said[-1]) if said else ("ends otherwise", "status 1, without a word")
        if ended.status != 0:
            return "ends otherwise", f"status {ended.status}: {last}"
        if one.same and curve_without_seconds(place / ZERO) != self._curve:
            return "something else", f"{ZERO} has another curve; {last}"
        return "worked", last
