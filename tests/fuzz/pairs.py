"""Settings that are drawn together: what works alone may not work beside another."""

from itertools import combinations
from random import Random

from tests.fuzz.settings import Case

CHOICES = {
    "model.optimizer": ("torch.optim.Adam", "torch.optim.LBFGS", "torch.optim.Rprop", "torch.optim.SparseAdam"),
    "model.lr_scheduler": ("torch.optim.lr_scheduler.OneCycleLR", "lightning.pytorch.cli.ReduceLROnPlateau"),
    "model.lr_interval": ("step",),
    "model.distance_penalty": ("0.1", "1e30"),
    "model.loss": ("generalized_cross_entropy", "symmetric_cross_entropy"),
    "model.compile": ("true",),
    "model.distill_from": ("{done}",),
    "model.distill_weight": ("0", "1"),
    "model.net": ("sdd.models.ResNet", "torch.nn.Flatten", "sdd.models.vit.ViT"),
    "trainer.precision": ("16-mixed", "bf16-mixed", "bf16-true", "16-true", "64-true", "transformer-engine"),
    "trainer.accelerator": ("cpu", "gpu", "auto"),
    "trainer.strategy": ("ddp", "ddp_spawn", "fsdp", "deepspeed", "auto"),
    "trainer.accumulate_grad_batches": ("2", "3"),
    "trainer.limit_train_batches": ("1", "0.5", "0", "0.01"),
    "trainer.limit_val_batches": ("0", "1"),
    "trainer.limit_test_batches": ("0", "0.5"),
    "trainer.overfit_batches": ("1", "0.5"),
    "trainer.max_time": ("00:00:00:00", "00:00:00:01", "{minutes: 1}"),
    "trainer.max_steps": ("1", "1000"),
    "trainer.min_epochs": ("1", "10"),
    "trainer.min_steps": ("1", "10"),
    "trainer.logger": (
        "[lightning.pytorch.loggers.CSVLogger, lightning.pytorch.loggers.CSVLogger]",
        "lightning.pytorch.loggers.CSVLogger",
        "lightning.pytorch.loggers.TensorBoardLogger",
        "true",
        "false",
    ),
    "trainer.callbacks": ("lightning.pytorch.callbacks.EarlyStopping", "lightning.pytorch.callbacks.ModelCheckpoint"),
    "trainer.detect_anomaly": ("true",),
    "trainer.deterministic": ("true", "warn"),
    "trainer.fast_dev_run": ("true", "2"),
    "trainer.barebones": ("true",),
    "trainer.profiler": ("simple", "advanced", "pytorch"),
    "trainer.gradient_clip_val": ("0.1", "0", "1e-30"),
    "trainer.gradient_clip_algorithm": ("norm", "value"),
    "trainer.sync_batchnorm": ("true",),
    "trainer.enable_checkpointing": ("true", "false"),
    "trainer.check_val_every_n_epoch": ("2",),
    "trainer.val_check_interval": ("0.5", "1"),
    "trainer.log_every_n_steps": ("0", "1"),
    "trainer.reload_dataloaders_every_n_epochs": ("1",),
    "trainer.inference_mode": ("false",),
    "data.val_size": ("5",),
    "data.train_size": ("1", "3"),
    "data.batch_size": ("1", "1000"),
    "data.drop_last": ("true",),
    "data.augment": ("crop_flip", "resized_crop_flip"),
    "data.image_size": ("1", "16"),
    "data.memory_format": ("channels_last",),
    "data.noise_type": ("symmetric", "pairflip", "asymmetric", "human"),
    "data.noise_rate": ("0", "1"),
    "pruning.levels": ("0", "2"),
    "pruning.fraction": ("0", "1", "0.999"),
    "pruning.sparsities": ("[0.5]", "[0.5, 0.5]", "[1]"),
    "pruning.epochs_per_level": ("2",),
    "pruning.criterion": ("gradient", "largest", "random", "snip", "synflow"),
    "pruning.scope": ("layer",),
    "pruning.retrain": ("lr_rewind", "finetune", "scratch", "redense"),
    "pruning.rewind_steps": ("1", "2", "100"),
    "pruning.rewind_schedule": ("false",),
    "pruning.frozen": ("initial", "final"),
    "pruning.masks_from": ("{done}",),
    "pruning.masks_shuffled": ("true",),
    "pruning.dense_from": ("{done}",),
    "pruning.stop_loss": ("0", "0.5", "1e9"),
    "pruning.exclude": ("[0.weight]", "[nothing]"),
    "pruning.arithmetic": ("sparse", "auto", "dense"),
    "pruning.redense_lr": ("0.1",),
    "checkpoint.every_n_epochs": ("1",),
    "checkpoint.keep_levels": ("false", "masks", "[0]", "[7]"),
    "dynamics.levels": ("all", "[1]"),
    "flatness.levels": ("[0]",),
    "flatness.space": ("full",),
    "flatness.examples": ("1",),
    "calibration.ece": ("true",),
    "entropy.activation": ("true",),
    "distance.per_layer": ("true",),
    "distance.path": ("true",),
    "threads": ("2",),
    "matmul_precision": ("medium",),
    "preflight": ("false",),
    "seed_everything": ("-1", "4294967295", "4294967296"),
}
"""Settings with values that each may be given; {done} is the folder of a finished run."""

_MORE = {
    "model.compile": ("--model.compile_args.backend=eager",),
    "trainer.gradient_clip_algorithm": ("--trainer.gradient_clip_val=0.5",),
    "model.distill_from": ("--model.distill_weight=0.5",),
    "model.distill_weight": ("--model.distill_from={done}",),
    "pruning.masks_from": ("--pruning.retrain=scratch",),
    "pruning.masks_shuffled": ("--pruning.masks_from={done}", "--pruning.retrain=scratch"),
    "pruning.dense_from": ("--pruning.sparsities=[0.5]",),
}
"""What makes a setting count, or quick."""


def pairs(count: int, seed: int, done: str) -> list[Case]:
    """Return cases of two settings each.

    Args:
        count: How many.
        seed: Of the draws.
        done: Folder of a finished run.
    """
    draws = Random(seed)
    every = [*combinations(CHOICES, 2)]
    cases = []
    for names in draws.sample(every, min(count, len(every))):
        given = tuple((name, draws.choice(CHOICES[name]).replace("{done}", done)) for name in names)
        more = [part.replace("{done}", done) for name in names for part in _MORE.get(name, ())]
        cases.append(Case(given, typed=True, more=tuple(more), counted="pairs"))
    return cases
