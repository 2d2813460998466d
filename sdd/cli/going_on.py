"""Between parse and claim: what a run that is there already was started with."""

import json
from dataclasses import replace

from sdd.cli.claim import is_first_process
from sdd.cli.parse import Request
from sdd.console import say
from sdd.runs.config_text import plain
from sdd.runs.identity import restored


def as_started(request: Request) -> Request:
    """Return what is asked for with the values that the folder's run was started with, if it holds one.

    Nobody chose those that differ: they are defaults that have moved since. Each is named.

    Args:
        request: Of `fit`.

    Raises:
        UserError: The folder holds a run of other settings, or something that is no run.
    """
    folder = request.folder
    moved = folder.check_settings(request.plan.settings)
    started = folder.settings()
    if started is None:
        return request
    own = replace(request, plan=replace(request.plan, settings=started.going_on(request.plan.settings)))
    if not moved or folder.finished:
        return own
    if is_first_process():
        for name, (then, now) in moved.items():
            default = f"the default is {json.dumps(now)} now"
            say(f"{folder.path} goes on with {name} {json.dumps(then)}; {default}", error=True)
    parser = request.wiring.command_parser
    config = parser.parse_object(restored(plain(request.text), started.values, moved))
    return replace(own, config=config, text=parser.dump(config, skip_unset=False, skip_link_targets=True))
