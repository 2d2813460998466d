"""What a process does before it is copied to fit, so that no copy has to: libraries find out much at first use."""

import io

from sdd.analysis.plots import curve_figure
from sdd.cli.parse import parse
from sdd.cli.wiring import build_parser

_NAMED = ("--model.net=sdd.models.MLP", "--model.net.in_features=1", "--model.net.num_classes=2")


def warm_up() -> None:
    """Read a command line, build the parser of the next one, and draw a picture; nothing of it is random or kept."""
    parse(["fit", *_NAMED, "--data.dataset=digits", "--data.noise_rate=0"])
    build_parser()
    names = ("sparsity", "test_acc", "train_acc", "distance")
    rows = [dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.9)]
    curve_figure(rows, None, title="0123456789").savefig(io.BytesIO(), format="png", dpi=200)
