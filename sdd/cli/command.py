"""`fit`, `test` and `validate`: parse, claim, build, fit, in this order."""

from collections.abc import Sequence

import torch
from jsonargparse import Namespace
from lightning.pytorch.utilities.seed import isolate_rng

from sdd.cli.build import build
from sdd.cli.claim import Found, claim, is_first_process
from sdd.cli.evaluate import evaluate
from sdd.cli.fit import fit
from sdd.cli.going_on import as_started
from sdd.cli.mending import mend
from sdd.cli.parse import Request, check_parts, parse
from sdd.cli.prerequisites import train_prerequisites
from sdd.cli.rank import note_process
from sdd.cli.same_data import checked_record
from sdd.cli.teacher import teach
from sdd.cli.trial import try_out
from sdd.console import quieten_lightning, say
from sdd.failures import telling
from sdd.files import remove_abandoned
from sdd.importing import no_garbage
from sdd.runs.folder import RunFolder
from sdd.runs.heartbeat import Heartbeat
from sdd.runs.prerequisites import AUTO, TICKETS
from sdd.termination import interrupted_by_sigterm
from sdd.tracking.loggers import RunLoggers
from sdd.tracking.sweep_agent import own_arguments


def run_experiment(arguments: Sequence[str]) -> int:
    """Run `fit`, `test` or `validate`, and return the exit status.

    Args:
        arguments: The command line after the program's name.

    Raises:
        UserError: Something in it, or in what it names, is wrong.
    """
    precision = torch.get_float32_matmul_precision()
    try:
        _run(arguments)
    finally:
        torch.set_float32_matmul_precision(precision)  # which is not for what this process runs next
    return 0


def fit_from_python(arguments: Sequence[str]) -> RunFolder:
    """Run `fit` within a process that goes on afterwards with its random states and number of threads.

    Args:
        arguments: Settings, as after `fit` on the command line.

    Returns:
        The run's folder.

    Raises:
        UserError: A setting, or what it names, is wrong.
        StoppedError: The run was stopped before the last level's end.
        KeyboardInterrupt: The training was interrupted.
    """
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    raised: BaseException | None = None
    with isolate_rng():  # puts nothing back where something is raised, so what is raised waits
        try:
            folder = _run(["fit", *arguments]).folder
        except BaseException as error:  # noqa: BLE001
            raised = error
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)
    if raised is not None:
        raise raised
    return folder


def _run(arguments: Sequence[str]) -> Request:
    quieten_lightning()
    with telling("reading the settings"), no_garbage():
        request = parse(own_arguments(arguments))
    with telling("reading trainer.strategy, devices and num_nodes"):
        note_process(request.config.trainer)
    if request.command != "fit":
        with telling(f"the {request.command}"):
            evaluate(request)
        return request
    tries = bool(request.config.trainer.fast_dev_run)
    if tries or not request.folder.finished:  # what a finished run was built on may be gone
        with telling("checking the settings"):
            check_parts(request)
    if tries:
        _try_only(request)
        return request
    with interrupted_by_sigterm():
        while not _train(request):
            say(f"{request.folder.path} is being worked on by another process; waiting for it", error=True)
            heartbeat = Heartbeat(request.config.progress.heartbeat)
            with (
                _loggers(request, request.config.clone()).given_back(),
                heartbeat.going_on("waiting for another process"),
            ):
                request.folder.wait_until_free()
    return request


def _train(asked: Request) -> bool:
    """Train the run unless it is finished; returns False where another process is at it."""
    remove_abandoned()
    mend(asked)
    request = as_started(asked)
    claimed = claim(request)
    if claimed.found is Found.BUSY:
        return False
    loggers = _loggers(request, claimed.config)
    if claimed.found is Found.FINISHED:
        if is_first_process():
            loggers.publish()
        say(f"{request.folder.path} is finished: see {request.folder.picture} and {request.folder.curve}")
        return True
    with loggers.given_back(owned=True):
        claimed = train_prerequisites(asked, request, claimed)
        with telling("making the parts of the run"):
            experiment = build(request, claimed.config)
            teacher = teach(experiment.model, experiment.data, claimed.config.model, request.plan.seed)
        try_out(request, claimed.config, experiment.data)
        record = checked_record(request, experiment, claimed.checkpoint, teacher)
        return fit(request, claimed, experiment, record, loggers)


def _loggers(request: Request, config: Namespace) -> RunLoggers:
    return RunLoggers(config, request.text, request.plan, request.folder, request.arguments)


def _try_only(request: Request) -> None:
    """Try all that a run does on two batches, and write nothing: `trainer.fast_dev_run`."""
    config = request.config.clone()
    config.preflight = True
    if config.pruning.masks_from == AUTO:
        for name, value in TICKETS.items():  # that run need not be there yet
            config.pruning[name] = value
    with telling("making the parts of the run"):
        experiment = build(request, config)
    teach(experiment.model, experiment.data, config.model, request.plan.seed)
    try_out(request, config, experiment.data)
    say("tried a dense and a pruned level on two batches: all parts work together; nothing was written")
