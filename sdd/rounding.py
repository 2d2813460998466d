"""Counts from decimal fractions, as the user wrote them."""

from fractions import Fraction


def ceil_fraction(fraction: float, count: int) -> int:
    """Return ⌈fraction × count⌉ with `fraction` taken as the decimal number that it prints as.

    In binary floating point 0.07 × 100 is 7.000000000000001, whose ceiling is 8; here it is 7.

    Args:
        fraction: A number in [0, 1].
        count: A non-negative count.
    """
    product = Fraction(repr(float(fraction))) * count
    return -(-product.numerator // product.denominator)
