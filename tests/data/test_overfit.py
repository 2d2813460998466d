"""`trainer.overfit_batches`: the same batches in every epoch of every level."""

import lightning.pytorch as pl
import pytest
import torch

from tests.small import small_data, small_run


class Seen(pl.Callback):
    """Keeps the labels of each batch that was trained on, by epoch."""

    def __init__(self):
        self.epochs = {}

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.epochs.setdefault(trainer.current_epoch, []).append(batch)


@pytest.mark.parametrize(("asked", "batches"), [(1, 1), (0.5, 2)])
def test_every_epoch_trains_on_the_same_batches(tmp_path, asked, batches):
    seen, data = Seen(), small_data()
    small_run(tmp_path, seen, data=data, trainer={"overfit_batches": asked}, levels=1, epochs_per_level=2)
    train = data.split("train")
    assert sorted(seen.epochs) == [0, 1, 2, 3]
    for epoch in seen.epochs.values():
        assert len(epoch) == batches
        assert torch.equal(torch.cat([labels for _, labels in epoch]), train.labels[: 50 * batches])
        assert torch.equal(torch.cat([inputs for inputs, _ in epoch]), data.view().plain(train.images[: 50 * batches]))
