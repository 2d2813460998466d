"""Measures of a network on data: pure functions, no Lightning."""
