"""How fast `sdd` is, against what a careful researcher writes by hand, side by side on the user's machine."""
