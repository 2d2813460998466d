"""What a run says beside its progress, and what Lightning does not say."""

import logging
import sys
import warnings


def say(message: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(f"{message}\n")


def quieten_lightning() -> None:
    """Keep Lightning's remarks on hardware, seeds and loggers off the screen; its warnings stay."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*`tensorboardX` has been removed.*",
        ".*LightningCLI's args parameter.*",
        ".*treespec, LeafSpec.*",
        ".*smaller than the logging interval.*",
        ".*Total length of `list` across ranks is zero.*",  # there is no validation split
    ):
        warnings.filterwarnings("ignore", message)
