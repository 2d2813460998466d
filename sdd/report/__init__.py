"""One HTML page that compares runs, offline and without an account."""
