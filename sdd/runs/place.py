"""Settings that only place, watch or store a run and decide none of its numbers, where no class of ours can say so."""

PLACE = frozenset({"config", "preflight", "requeue", "run_dir", "wait"})
"""Options that belong to no class and only say where a run lies and when it starts."""

METHOD_PLACE = frozenset({"ckpt_path", "weights_only", "return_predictions", "verbose"})
"""Options of the Trainer's methods of these names: which trained network is read, and what is printed."""

TRAINER_PLACE = frozenset(
    {
        "accelerator",
        "barebones",
        "benchmark",
        "check_val_every_n_epoch",
        "default_root_dir",
        "detect_anomaly",
        "devices",
        "enable_autolog_hparams",
        "enable_checkpointing",
        "enable_model_summary",
        "enable_progress_bar",
        "fast_dev_run",  # trains nothing
        "inference_mode",
        "log_every_n_steps",
        "logger",
        "max_epochs",  # follows from the levels, which are settings
        "max_time",  # a run that it ends goes on
        "model_registry",
        "num_nodes",
        "num_sanity_val_steps",
        "profiler",
        "strategy",
        "sync_batchnorm",  # makes several processes take the statistics that one takes
        "use_distributed_sampler",
        "val_check_interval",
    }
)
"""Options of the Trainer that only say where a run is computed and how it is watched."""

ALL_PLACE = PLACE | METHOD_PLACE | {f"trainer.{name}" for name in TRAINER_PLACE}
"""All settings that decide no numbers and whose class cannot say so itself."""
