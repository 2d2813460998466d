from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.rounding import ceil_fraction


@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [
        (0.07, 100, 7),  # 7.000000000000001 in floating point
        (0.2, 5, 1),
        (0.2, 6, 2),
        (0.1, 30, 3),  # 3.0000000000000004 had 0.1 been summed
        (0.55, 100, 55),  # 55.00000000000001
        (0.29, 100, 29),  # 28.999999999999996
        (0.4, 60_000, 24_000),
        (0.0, 60_000, 0),
        (1.0, 60_000, 60_000),
        (1, 7, 7),
        (1e-7, 1, 1),
        (0.5, 0, 0),
        (1 / 3, 3, 1),  # prints as 0.3333333333333333, a little less than a third
        (2 / 3, 3, 2),
    ],
)
def test_hand_worked_shares(share, count, expected):
    assert ceil_fraction(share, count) == expected


@given(st.integers(0, 1000), st.integers(0, 10**12))
def test_a_share_in_thousandths_is_exact(thousandths, count):
    assert ceil_fraction(thousandths / 1000, count) == -(-thousandths * count // 1000)


@given(st.floats(0, 1), st.integers(0, 10**9))
def test_any_share_is_the_decimal_number_that_it_prints_as(share, count):
    # 17 digits times 10 are within the 28 that Decimal keeps.
    exact = Decimal(repr(share)) * count
    assert ceil_fraction(share, count) == int(exact.to_integral_value(ROUND_CEILING))
