"""Loggers and W&B: how a run is named and grouped there, and what is sent."""
