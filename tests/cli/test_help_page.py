import re
from inspect import signature

import pytest

from sdd.__main__ import main
from sdd.callbacks import IterativePruning
from sdd.cli.help_page import SECTIONS, asked_for, page
from sdd.cli.wiring import SECTIONS as CLASSES
from sdd.errors import UserError


def settings(text):
    return set(re.findall(r"^  --([\w.]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("arguments", "topic"),
    [
        (["--config", "x.yaml"], None),
        (["--model.net.help", "MLP"], None),
        (["--help"], ""),
        (["-h", "data"], "data"),
        (["--config", "x.yaml", "--help=data"], "data"),
        (["--help", "--config", "x.yaml"], ""),
    ],
)
def test_help_is_asked_for_by_its_flag_alone_or_with_a_topic(arguments, topic):
    assert asked_for(arguments) == topic


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_the_page_names_every_section_with_what_it_is_about(command, capsys):
    assert main([command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = dict(re.findall(r"^  (\w+) +(\S.+)$", "\n".join(lines), re.MULTILINE))
    assert told.keys() == {"run", *CLASSES} == SECTIONS.keys()
    assert len(lines) < 30
    assert f"python -m sdd {command} --help SECTION" in "\n".join(lines)


def test_a_section_lists_its_settings_and_no_others():
    linked = {"seed"}  # follows from seed_everything
    ours = {f"pruning.{name}" for name in signature(IterativePruning).parameters if name not in linked}
    assert settings(page("validate", "pruning")) == ours | {"pruning"}


def test_run_lists_what_belongs_to_no_class():
    named = settings(page("fit", "run"))
    assert {"seed_everything", "run_dir", "threads", "ckpt_path"} <= named
    assert {name for name in named if "." in name} == set()


def test_one_setting_and_all():
    assert settings(page("fit", "--pruning.criterion")) == {"pruning.criterion"}
    everything = page("fit", "all")
    assert all(settings(page("fit", name)) <= settings(everything) for name in ("run", "model"))
    assert {name.partition(".")[0] for name in settings(everything)} >= CLASSES.keys()
    assert "torch.nn.Bilinear" not in everything
    assert "DDPStrategy" in everything


def test_an_unknown_section_is_refused_and_the_sections_named(capsys):
    with pytest.raises(UserError, match=r"did you mean pruning\?"):
        page("fit", "prunning")
    assert main(["fit", "--help", "zebra"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert all(name in line for name in SECTIONS)
