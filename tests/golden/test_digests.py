"""Digests that no change may move, or every run of a configuration would be started over."""

import json

from tests.golden.digests import GOLDEN, digests


def test_every_configuration_has_its_golden_folder():
    assert digests() == json.loads(GOLDEN.read_text())
