"""Noisy data: data sets as uint8 tensors, label noise, splits, augmentations, network inputs, loaders."""

from sdd.data.datamodule import NoisyLabelData

__all__ = ["NoisyLabelData"]
