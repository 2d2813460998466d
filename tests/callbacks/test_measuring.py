import pytest

from sdd.callbacks.measuring import _number
from sdd.errors import UserError


def test_a_whole_number_that_no_curve_can_hold_is_refused():
    assert _number(2**60, "mine") == 2**60
    with pytest.raises(UserError, match="mine is too large for a number of a curve"):
        _number(10**400, "mine")
