"""Parsing: whole names only, in every place where a setting can stand, and nothing done beside it."""

import pytest
import torch
import yaml

from sdd.__main__ import main
from sdd.cli.parse import parse, plan
from sdd.cli.wiring import Wiring, _Unparsed
from sdd.errors import UserError
from sdd.files import write_checked
from sdd.sweep.planned_run import Invalid, plan_runs
from sdd.sweep.sweep_file import read_sweep
from tests.small import CONFIG, QUICK
from tests.sweep.small_sweep import write_sweep

WANDB = ["--trainer.logger", "WandbLogger"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pruning.level", "3"], "--pruning.level is not a setting; did you mean --pruning.levels?"),
        (["--data.noise_rat=0.4"], "--data.noise_rat is not a setting; did you mean --data.noise_rate?"),
        (["--noise_rate=0.4"], "--noise_rate is not a setting; did you mean --data.noise_rate?"),
        (["--confi", str(CONFIG)], "--confi is not a setting; did you mean --config?"),
        (["--seed", "3"], "--seed is not a setting; did you mean --seed_everything?"),
        (["--model.net.width", "[3]"], "model.net.width is not a setting; did you mean model.net.widths?"),
        (["--model.net.widhts", "[3]"], "model.net.widhts is not a setting; did you mean model.net.widths?"),
        (["--model.net.init_args.widhts=[3]"], "model.net.widhts is not a setting; did you mean model.net.widths?"),
        (["--model.net.zebra", "3"], "model.net.zebra is not a setting; allowed: in_features, widths, num_classes"),
        (["--model.optimizer.l", "0.3"], "model.optimizer.l is not a setting; did you mean model.optimizer.lr?"),
        (
            [*WANDB, "--trainer.logger.projct", "x"],
            "trainer.logger.projct is not a setting; did you mean trainer.logger.project?",
        ),
        (["--zebra", "-3"], "--zebra is not a setting; --help all lists all settings"),
        (["word"], "'word' is neither a setting nor the value of one: write --SETTING VALUE"),
    ],
)
def test_a_flag_that_is_no_whole_name_is_refused_with_the_nearest(arguments, said):
    with pytest.raises(UserError) as raised:
        parse([*QUICK, *arguments])
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("place", "key", "said"),
    [
        ("pruning", "level", "pruning.level is not a setting; did you mean pruning.levels?"),
        ("data", "noise_rat", "data.noise_rat is not a setting; did you mean data.noise_rate?"),
        ("", "thread", "thread is not a setting; did you mean threads?"),
        ("model.net.init_args", "width", "model.net.width is not a setting; did you mean model.net.widths?"),
        ("model.optimizer.init_args", "l", "model.optimizer.l is not a setting; did you mean model.optimizer.lr?"),
    ],
)
def test_a_key_of_a_file_that_is_no_whole_name_is_refused_with_the_nearest(tmp_path, place, key, said):
    content = section = yaml.safe_load(CONFIG.read_text())
    for part in place.split(".") if place else ():
        section = section.setdefault(part, {})
    section[key] = 3
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as raised:
        parse(["fit", "--config", str(file)])
    assert str(raised.value).removeprefix(f"{file}: ") == said


@pytest.mark.parametrize("content", ["pruning:\n  levels: 3\n levels\n", "pruning: [", "just words"])
def test_a_file_that_holds_no_settings_is_named(tmp_path, content):
    file = tmp_path / "cut.yaml"
    file.write_text(content)
    with pytest.raises(UserError) as raised:
        parse(["fit", "--config", str(CONFIG), "--config", str(file)])
    assert str(raised.value).startswith(str(file))


def test_a_setting_that_a_file_has_twice_is_refused(tmp_path):
    file = tmp_path / "twice.yaml"
    file.write_text(CONFIG.read_text() + "data:\n  noise_rate: 0.1\n")
    with pytest.raises(UserError, match=r"twice\.yaml: data is set twice, in lines \d+ and \d+: keep one"):
        parse(["fit", "--config", str(file)])


def test_a_configuration_of_a_run_that_has_changed_is_named(tmp_path):
    file = tmp_path / "config.yaml"
    write_checked(file, CONFIG.read_text())
    assert parse(["fit", "--config", str(file)]).config.pruning.levels == 34
    file.write_text(CONFIG.read_text().replace("levels: 34", "levels: 35"))
    with pytest.raises(UserError, match=r"config\.yaml is damaged: it is not as sdd wrote it"):
        parse(["fit", "--config", str(file)])


def test_a_prefix_in_a_sweep_is_an_invalid_cell_with_the_nearest_name(tmp_path):
    file = write_sweep(tmp_path, {"data.noise_rat": {"value": 0.2}})
    (cell,) = plan_runs(read_sweep(file).cells, tmp_path / "runs")
    assert isinstance(cell, Invalid)
    assert cell.reason == "--data.noise_rat is not a setting; did you mean --data.noise_rate?"


@pytest.mark.parametrize("command", ["fi", "Fit", "tset", "swep"])
def test_a_prefix_of_a_command_is_refused_with_the_nearest(capsys, command):
    assert main([command]) == 2
    meant = {"fi": "fit", "Fit": "fit", "tset": "test", "swep": "sweep"}[command]
    assert capsys.readouterr().err.endswith(f"; did you mean {meant}?\n")


@pytest.mark.parametrize("command", ["sweep", "report", "analyze", "dashboard", "bench"])
def test_every_other_command_refuses_a_prefix(capsys, command):
    known = {"sweep": "--workers", "report": "--watch", "analyze": "--levels", "dashboard": "--name"}
    option = known.get(command, "--epochs")
    assert main([command, "x", option[:-1], "3"]) == 2
    line = capsys.readouterr().err
    assert f"{option[:-1]} is not an option; did you mean {option}?" in line
    assert line.count("\n") == 1


def test_parsing_makes_nothing_and_draws_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = torch.get_rng_state()
    request = parse([*QUICK, "--seed_everything", "5"])
    plan([*QUICK, "--seed_everything", "5"])
    assert before.equal(torch.get_rng_state())
    assert not hasattr(request.wiring, "trainer")
    assert list(tmp_path.iterdir()) == []
    assert (request.command, request.plan.config_name, request.plan.seed) == ("fit", "digits_mlp", 5)
    assert request.folder.path == request.plan.run_dir()
    assert yaml.safe_load(request.text)["pruning"]["levels"] == 3


def test_a_list_of_callbacks_can_still_be_added_to():
    request = parse([*QUICK, "--trainer.callbacks+=LearningRateMonitor", "--trainer.callbacks.logging_interval=epoch"])
    (callback,) = request.config.trainer.callbacks
    assert callback.class_path == "lightning.pytorch.callbacks.LearningRateMonitor"
    assert callback.init_args.logging_interval == "epoch"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pruning: 3", r"pruning must hold settings by name, such as pruning: \{NAME: VALUE\}"),
        ("[1, 2]", r"must hold settings by name.* but one holds \[1, ?2\]"),
        ("", "but one holds nothing"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused_in_plain_words(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=said):
        parse([*QUICK, "--config", str(file)])


@pytest.mark.parametrize("command", ["fit", "test", "validate"])
def test_a_command_without_a_network_asks_for_a_configuration(command):
    with pytest.raises(UserError, match="no network is named: give --config"):
        parse([command])


@pytest.mark.parametrize("section", ["pruning.criterion", "data.noise_type", "model.loss"])
def test_no_arguments_at_all_are_the_same_run_as_none(section):
    assert plan([*QUICK, f"--{section}_args", "{}"]).settings == plan(QUICK).settings


@pytest.mark.parametrize("seed", [2**32, 2**64, -1])
def test_a_seed_that_numpy_cannot_take_is_refused_in_one_line(seed):
    with pytest.raises(UserError, match=f"seed_everything is {seed}; it must be a whole number from 0 to 4294967295"):
        parse([*QUICK, "--seed_everything", str(seed)])


def test_the_largest_seed_is_taken():
    assert parse([*QUICK, "--seed_everything", "4294967295"]).plan.seed == 2**32 - 1


def test_a_command_is_read_by_its_own_parser_as_by_the_one_above_it():
    asked = [*QUICK, "--model.optimizer.lr", "1e-3"]
    assert Wiring(asked).command_config == _Unparsed(["fit"]).parser.parse_args(asked).fit


def test_a_printed_configuration_is_that_of_the_whole_command_line(capsys):
    with pytest.raises(SystemExit):
        parse(["fit", "--print_config", *QUICK[1:]])
    assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(parse(QUICK).text)


def test_the_environment_is_read_where_jsonargparse_is_told_to(monkeypatch):
    monkeypatch.setenv("PL_FIT__DATA__NOISE_SEED", "3")
    assert parse(QUICK).config.data.noise_seed == 0
    monkeypatch.setenv("JSONARGPARSE_DEFAULT_ENV", "true")
    assert parse(QUICK).config.data.noise_seed == 3
