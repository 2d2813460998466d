"""Noisy data: label noise, data sets as uint8 tensors, views of them on the device, the in-memory loader."""

from sdd.data.datamodule import NoisyLabelData

__all__ = ["NoisyLabelData"]
