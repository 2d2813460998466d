"""The shell's own completion, run on the script: what is offered is what the program takes."""

import shlex
import shutil
import subprocess

import pytest

from sdd.__main__ import COMMANDS, EXPERIMENTS, main
from sdd.data.datasets import DATASETS
from sdd.shipped import CONFIGS, SWEEPS, shipped
from tests.small import PROJECT

# What each shell runs: the function that the script has registered, with the words as the shell parts them.
ASK = {
    "bash": "source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
    'registered=$(complete -p sdd); asked=${{registered##*-F }}; "${{asked% sdd}}"; printf "%s\\n" "${{COMPREPLY[@]}}"',
    "zsh": "compdef() {{ :; }}; source {script}; emulate -L sh; COMP_WORDS=({words})\n"
    'COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _sdd 2> /dev/null; printf "%s\\n" "${{COMPREPLY[@]}}"',
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "here" / "runs").mkdir(parents=True)
    (folder / "here" / "my own.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        for shell in ASK:
            with (folder / shell).open("w") as file:
                patch.setattr("sys.stdout", file)
                assert main(["completion", shell]) == 0
    return folder


@pytest.fixture(params=["bash", "zsh"])
def offered(request, scripts):
    """A function from words to what is offered for the last one, in a folder with `my own.yaml` and `runs/`."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not there")
    flags = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"]}[request.param]

    def ask(*words):
        asked = ASK[request.param].format(script=scripts / request.param, words=shlex.join(["sdd", *words]))
        command = [request.param, *flags, "-c", asked]
        done = subprocess.run(
            command, cwd=scripts / "here", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return [line for line in done.stdout.splitlines() if line]

    ask.shell = request.param
    return ask


def test_commands_are_offered_first(offered):
    assert offered("") == [*EXPERIMENTS, *COMMANDS, "--help", "--version"]
    assert offered("re") == ["reproduce", "report"]


def test_configurations_and_files_follow_config(offered):
    assert offered("fit", "--config", "") == [*shipped(CONFIGS), "my own.yaml", "runs"]
    assert offered("fit", "--config", "my") == ["my own.yaml"]
    assert offered("data", "-c", "digits_m") == ["digits_mlp"]
    assert offered("sweep", "cifar100") == [name for name in shipped(SWEEPS) if name.startswith("cifar100")]
    assert offered("sweep", "r") == ["runs"]
    assert offered("configs", "slurm") == []


def test_settings_are_offered_with_their_values(offered):
    assert offered("fit", "--data.noise_") == [
        f"--data.noise_{name}" for name in ("file", "key", "rate", "seed", "type", "type_args")
    ]
    assert "--model.optimizer.lr" in offered("fit", "--model.opt")
    assert offered("fit", "--data.dataset", "") == list(DATASETS.names)
    assert offered("fit", "--seed_everything", "3", "--flatness.sharpness", "t") == ["true"]
    assert offered("sweep", "digits_criteria", "--pruning.criterion", "s") == ["snip", "synflow"]
    assert offered("plot", "runs", "--band", "") == ["sd", "ci", "none"]
    assert offered("sweep", "--workers", "") == [], "a number, or anything else: nothing is known"


def test_a_value_after_an_equals_sign_is_offered(offered):
    words = ("--data.dataset", "=", "mn") if offered.shell == "bash" else ("--data.dataset=mn",)
    assert [one.removeprefix("--data.dataset=") for one in offered("fit", *words)] == ["mnist"]
    words = ("--data.dataset", "=") if offered.shell == "bash" else ("--data.dataset=",)
    assert len(offered("fit", *words)) == len(DATASETS.names)


@pytest.mark.parametrize("offered", ["bash"], indirect=True)
def test_every_option_that_is_offered_is_one(offered, capsys):
    for command in (*EXPERIMENTS, *COMMANDS):
        if command in EXPERIMENTS:
            assert main([command, "--help", "all"]) == 0
        else:
            with pytest.raises(SystemExit):
                main([command, "--help"])
        page = capsys.readouterr().out
        told = {word.rstrip(",") for word in page.split() if word.startswith("--") and not word.endswith("+")}
        found = set(offered(command, "--"))
        assert found >= {one for one in told if f"  {one}" in page and ".help" not in one}
        settings = {one for one in found if "." in one}
        assert (len(settings) > 100) == (command in (*EXPERIMENTS, "sweep", "data"))


def test_the_scripts_are_sound(scripts):
    assert "torch" not in (scripts / "bash").read_text().split(), "the shell starts no Python"
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", scripts / "bash"], check=True)


def test_the_shells_that_there_are_not_are_named(capsys):
    assert main(["completion", "fish"]) == 2
    line = capsys.readouterr().err
    assert "'fish'" in line
    assert "bash" in line
    assert line.count("\n") == 1
    assert (PROJECT / "sdd" / "completion").is_dir()
