"""A W&B sweep file's grid, run as ordinary `fit` processes without W&B."""
