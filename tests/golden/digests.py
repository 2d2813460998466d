"""`python -m tests.golden.digests`: the digest of every configuration, written to `digests.json`.

A digest that moves orphans every run of that configuration: a change that means it says so in its commit.
"""

import json
from pathlib import Path
from unittest.mock import patch

from sdd.cli.parse import plan
from tests.golden.cases import CONFIGS

GOLDEN = Path(__file__).with_name("digests.json")


def digests() -> dict[str, str]:
    """Return the name of each configuration's default folder, by its file."""
    with patch("sdd.runs.masks_source.TrainedLevels"):  # runs whose masks are taken need not be there
        return {path.name: plan(["fit", "--config", str(path)]).run_dir().name for path in CONFIGS}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(digests(), indent=1) + "\n")
