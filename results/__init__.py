"""RESULTS.md: what is trained for it, the small tables that are kept of it, and what is drawn and said."""
