"""`python -m sdd completion`: the script by which a shell completes command lines of `sdd`."""

import sys
from collections.abc import Sequence

from sdd.__main__ import COMMANDS, EXPERIMENTS
from sdd.completion.script import completion_script
from sdd.completion.words import Words, command_words, experiment_words
from sdd.console import OneLineParser

_EPILOG = (
    "bash: sdd completion bash > ~/.local/share/bash-completion/completions/sdd (make that folder first). "
    "zsh: sdd completion zsh > ~/.sdd-completion, and `source ~/.sdd-completion` in ~/.zshrc after compinit. "
    "The script runs no Python; it knows what this version of sdd knows."
)


def completion(arguments: Sequence[str]) -> int:
    """Print the script; see `--help`.

    Args:
        arguments: The command line after `completion`.
    """
    parser = OneLineParser(
        prog="python -m sdd completion",
        description="Prints the script by which a shell completes the command `sdd`: commands, their options and "
        "values, configurations and sweeps by name, and files.",
        epilog=_EPILOG,
    )
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh"), help="bash or zsh")
    chosen = parser.parse_args(arguments)
    sys.stdout.write(completion_script(chosen.shell, _every_command()))
    return 0


def _every_command() -> dict[str, Words]:
    experiments = {command: experiment_words(command) for command in EXPERIMENTS}
    others = {command: command_words(command, module, experiments["fit"]) for command, module in COMMANDS.items()}
    return experiments | others
