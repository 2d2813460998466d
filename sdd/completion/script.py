"""The script that completes command lines in bash, and in zsh by its functions for bash."""

from collections import defaultdict
from collections.abc import Mapping

from sdd.completion.words import CONFIG_FLAGS, Words
from sdd.version import __version__

_HEAD = """\
# Completes the command sdd in {shell}. Written by `sdd completion {shell}` of sdd {version}:
# write it anew after an upgrade.
"""

_ZSH = """\
autoload -U +X bashcompinit && bashcompinit
"""

_BODY = r"""
_sdd() {
  # Local names are none of those that zsh has for itself, such as words.
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]-}
  local stem='' choices='' files='' found
  if [ "$current" = = ]; then # bash parts --option=value in three words, zsh leaves it as one
    current=''
  elif [ "$previous" = = ]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  else
    case $current in
      --*=*)
        stem=${current%%=*}=
        previous=${current%%=*}
        current=${current#*=}
        ;;
    esac
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    choices=$_sdd_commands
  elif [ -z "$stem" ] && [ "${current#-}" != "$current" ]; then
    _sdd_options
  else
    _sdd_values
  fi
  COMPREPLY=()
  [ -z "$files" ] || compopt -o filenames 2> /dev/null # which zsh has not
  while IFS= read -r found; do
    case $found in
      '') ;;
      "$current"*) COMPREPLY+=("$stem$found") ;; # zsh's compgen gives all
    esac
  done <<< "$(compgen -W "$choices" -- "$current")${files:+
$(compgen -f -- "$current")}"
}

complete -o default -F _sdd sdd
"""


def completion_script(shell: str, commands: Mapping[str, Words]) -> str:
    """Return the script of a shell.

    Args:
        shell: `bash` or `zsh`.
        commands: What each command takes, by its name.
    """
    return "".join(
        (
            _HEAD.format(shell=shell, version=__version__),
            _ZSH if shell == "zsh" else "# shellcheck shell=bash disable=SC2034\n",
            f"\n_sdd_commands='{' '.join((*commands, '--help', '--version'))}'\n",
            _options(commands),
            _values(commands),
            _BODY,
        )
    )


def _options(commands: Mapping[str, Words]) -> str:
    """Return the function that sets `choices` to the options of `command`."""
    alike = defaultdict(list)
    for name, words in commands.items():
        alike[tuple(sorted(words.options))].append(name)
    cases = (f"    {'|'.join(names)}) choices='{' '.join(options)}' ;;" for options, names in alike.items())
    return "\n".join(["", "_sdd_options() {", "  case $command in", *cases, "  esac", "}", ""])


def _values(commands: Mapping[str, Words]) -> str:
    """Return the function that sets `choices` and `files` to what may follow `previous`."""
    alike = defaultdict(list)
    for command, words in commands.items():
        for option, values in words.options.items():
            alike[values, option in CONFIG_FLAGS].append(f"{command}:{option}")
    cases = []
    for (values, files), places in alike.items():
        if values:
            then = f"choices='{' '.join(values)}'" + (" files=1" if files else "")
            cases.append(f"    {'|'.join(places)}) {then} ;;")
    for command, words in commands.items():
        if words.names:
            taking = "|".join(f"{command}:{option}" for option, values in words.options.items() if not values)
            cases.append(f"    {taking}) ;;")  # a value of any kind: readline offers files
            cases.append(f"    {command}:*) choices='{' '.join(words.names)}' files=1 ;;")
    return "\n".join(["", "_sdd_values() {", '  case "$command:$previous" in', *cases, "  esac", "}", ""])
