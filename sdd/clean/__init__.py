"""Disk space of finished runs: what of their files nothing needs any more."""
