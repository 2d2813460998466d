"""How far runs have come, whoever trains them."""
