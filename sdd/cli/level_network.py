"""The network of a trained level, built from its run's configuration."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from sdd.configured import builder
from sdd.errors import UserError
from sdd.failures import naming
from sdd.messages import one_line
from sdd.models.state import load_state
from sdd.runs.identity import check_same_code
from sdd.runs.trained_levels import StoredLevels
from sdd.yaml_files import read_yaml


def level_network(levels: StoredLevels, level: int, named: str) -> nn.Module:
    """Build the network of a level on the CPU, in evaluation mode; no random state changes.

    Args:
        levels: Of the run.
        level: Its number.
        named: What names the run, for messages.

    Raises:
        UserError: The network can no longer be built, or the level's weights do not fit it.
    """
    weights = levels.weights(level)
    check_same_code(levels.folder)
    with torch.random.fork_rng(devices=[]), naming(f"{named}: its network, as it was made,"):
        net = builder(_configured(levels, named))()
    try:
        load_state(net, weights)
    except RuntimeError as error:
        raise UserError(
            f"{named}: the weights of level {level} do not fit the network of its config.yaml: {one_line(str(error))}"
        ) from error
    return net.eval()


def _configured(levels: StoredLevels, named: str) -> Mapping[str, Any]:
    file = levels.folder.config
    try:
        net: Any = read_yaml(file)["model"]["net"]
    except UserError as error:
        raise UserError(f"{named}: {error}, which says what its network is") from error
    except (KeyError, TypeError) as error:
        raise UserError(f"{named}: {file} does not say what its network is") from error
    if not isinstance(net, Mapping):
        raise UserError(f"{named}: {file} cannot say how its network is built ({net})")
    return net
