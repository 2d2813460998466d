"""Noisy data: data sets as uint8 tensors, label noise, splits, augmentations, how the network sees them, loaders."""

from sdd.data.datamodule import NoisyLabelData

__all__ = ["NoisyLabelData"]
