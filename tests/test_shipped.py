"""Configurations and sweeps that come with sdd: found by name from anywhere."""

import pytest
import yaml

from sdd.__main__ import main
from sdd.cli.parse import parse
from sdd.errors import UserError
from sdd.shipped import CONFIGS, SWEEPS, find, shipped, with_files
from tests.small import PROJECT


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", [CONFIGS, SWEEPS])
def test_each_is_found_by_name_with_and_without_folder_and_ending(kind):
    files = sorted((PROJECT / kind).glob("*.yaml"))
    assert [path.stem for path in files] == list(shipped(kind))
    for file in files:
        for given in (file.stem, file.name, f"{kind}/{file.name}", f"{kind}/{file.stem}"):
            assert find(kind, given).read_bytes() == file.read_bytes()


def test_a_file_of_the_users_wins_wherever_it_is_looked_for(tmp_path):
    for place in ("digits_mlp", "configs/digits_mlp.yaml", "digits_mlp.yaml"):
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        assert find(CONFIGS, "digits_mlp").resolve() == path
        path.unlink()


def test_a_folder_of_that_name_is_no_file(tmp_path, capsys):
    (tmp_path / "digits_mlp").mkdir()
    (tmp_path / "digits_noise_rates").mkdir()
    assert find(CONFIGS, "digits_mlp") == PROJECT / "configs" / "digits_mlp.yaml"
    assert find(SWEEPS, "digits_noise_rates") == PROJECT / "sweeps" / "digits_noise_rates.yaml"
    with pytest.raises(UserError, match="is a folder, and no configuration of sdd is called so"):
        find(CONFIGS, str(tmp_path))


def test_paths_that_lead_elsewhere_are_no_names():
    for given in ("other/digits_mlp.yaml", "digits_mlp.txt", "sweeps/digits_mlp", "x" * 5000):
        with pytest.raises(UserError, match="there is no configuration"):
            find(CONFIGS, given)


def test_a_mistaken_name_is_answered_with_the_nearest(capsys):
    assert main(["fit", "--config", "digit_mlp"]) == 2
    assert "did you mean digits_mlp? (`python -m sdd configs` lists them)" in capsys.readouterr().err
    assert main(["sweep", "digits_noise_rate"]) == 2
    assert "did you mean digits_noise_rates?" in capsys.readouterr().err


def test_a_command_line_names_configurations_in_each_way_and_keeps_the_rest():
    path = str(PROJECT / "configs/digits_mlp.yaml")
    told = with_files(["fit", "-c", "digits_mlp", "--config=configs/digits_mlp.yaml", "--run_dir", "digits_mlp"])
    assert told == ["fit", "-c", path, f"--config={path}", "--run_dir", "digits_mlp"]
    for kept in (
        ["fit", "--config", "{threads: 2}"],
        ["fit", "--config", "threads: 2"],
        ["fit", "--config"],
        ["fit", "--config="],
    ):
        assert with_files(kept) == kept


def test_a_run_is_the_same_however_its_configuration_is_named():
    by_name, by_path = (
        parse(["fit", "--config", given]).plan for given in ("digits_mlp", f"{PROJECT}/configs/digits_mlp.yaml")
    )
    assert by_name == by_path
    assert by_name.run_dir().name.startswith("digits_mlp-s0-")


def test_the_list_names_each_and_what_is_printed_is_the_file(capsys):
    assert main(["configs"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert listed == [*shipped(CONFIGS), *shipped(SWEEPS)]
    for name in ("digits_mlp", "digits_noise_rates.yaml", "slurm.sh"):
        assert main(["configs", name]) == 0
        (file,) = (*PROJECT.glob(f"*/{name}"), *PROJECT.glob(f"*/{name}.yaml"))
        assert capsys.readouterr().out == file.read_text(encoding="utf-8")
    assert main(["configs", "digits_ml"]) == 2
    assert "did you mean digits_mlp?" in capsys.readouterr().err


def test_a_sweep_that_comes_with_sdd_runs_from_anywhere(capsys):
    assert main(["sweep", "digits_noise_rates", "--dry_run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = yaml.safe_load((PROJECT / "sweeps/digits_noise_rates.yaml").read_text())["parameters"]
    assert len(lines) == len(cells["data.noise_rate"]["values"]) * len(cells["seed_everything"]["values"])
    assert all("# new: " in line for line in lines)
