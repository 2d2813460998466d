"""Pruning: masks, criteria, schedules and retraining as pure functions, without Lightning."""
