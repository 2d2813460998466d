"""Sweep files: those of the project are honoured, what W&B alone can do is refused in one line."""

import pytest
import yaml

from sdd.errors import UserError
from sdd.sweep.sweep_file import read_sweep
from tests.small import PROJECT

GOOD = {
    "name": "shown on the dashboard",
    "project": "sdd",
    "program": "sdd",
    "method": "grid",
    "metric": {"name": "gain", "goal": "maximize"},
    "command": ["${env}", "python", "-m", "${program}", "fit", "--config", "c.yaml", "${args}"],
    "parameters": {"data.noise_rate": {"values": [0.2, 0.4]}, "seed_everything": {"value": 3}},
}


def read(folder, content):
    path = folder / "rates.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_sweep(path)


def problem(folder, content):
    with pytest.raises(UserError) as error:
        read(folder, content)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_cells_carry_the_command_line_of_fit(tmp_path):
    sweep = read(tmp_path, GOOD)
    assert sweep.name == "rates"
    assert [cell.arguments for cell in sweep.cells] == [
        ("fit", "--config", "c.yaml", f"--data.noise_rate={rate}", "--seed_everything=3") for rate in (0.2, 0.4)
    ]
    assert sweep.cells[1].values == {"data.noise_rate": 0.4}


GRIDS = [path for path in sorted((PROJECT / "sweeps").glob("*.yaml")) if path.stem != "digits_bayes"]


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_grid_of_the_project_is_honoured(path):
    cells = read_sweep(path).cells
    grid = yaml.safe_load(path.read_text())["parameters"]
    expected = 1
    for given in grid.values():
        expected *= len(given.get("values", [0]))
    assert len(cells) == len({cell.arguments for cell in cells}) == expected


def test_a_search_is_said_in_one_line_to_need_wandb():
    with pytest.raises(UserError, match=r"digits_bayes\.yaml: method is bayes; sdd sweep runs a grid: .*W&B") as error:
        read_sweep(PROJECT / "sweeps" / "digits_bayes.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "random"}, "method is random; sdd sweep runs a grid: set method: grid, or use W&B (wandb sweep"),
        ({"method": "bayes"}, "method is bayes"),
        ({"method": "grd"}, "method is 'grd'; allowed: grid"),
        ({"method": None}, "method is not set; allowed: grid"),
        ({"early_terminate": {"type": "hyperband"}}, "early_terminate cannot be honoured"),
        ({"run_cap": 3}, "run_cap cannot be honoured"),
        ({"controller": {"type": "local"}, "job": "x"}, "controller, job cannot be honoured"),
        ({"parmeters": {}}, "parmeters cannot be honoured"),
        ({7: 1}, "7 cannot be honoured"),
        ({"program": None}, "program is not set; it must be sdd"),
        ({"program": "train.py"}, "its own fit alone"),
        ({"program": ["sdd"]}, "program is ['sdd']"),
        ({"command": "python -m sdd fit"}, "must be a list of words"),
        ({"command": ["python", None]}, "must be a list of words"),
        ({"command": []}, "its own fit alone"),
        ({"command": ["python", "-m", "sdd", "fit"]}, 'add "${args}"'),
        ({"command": ["python", "-m", "sdd", "bench", "${args}"]}, "its own fit alone"),
        ({"parameters": None}, "parameters is empty"),
        ({"parameters": {"a": {"min": 1, "max": 2}}}, "a has max, min"),
    ],
)
def test_what_only_wandb_can_do_is_refused(tmp_path, change, said):
    line = problem(tmp_path, GOOD | change)
    assert line.startswith(str(tmp_path / "rates.yaml"))
    assert said in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds not set"),
        ("- 1\n- 2\n", "holds [1, 2]"),
        ("a: [1\nb: 2\n", "did not find expected ',' or ']' at line 2, column 2"),
        ("a: \x00\n", "is no YAML"),
        ("!!python/object:os.system {}\n", "is no YAML"),
    ],
)
def test_bad_files_are_one_line(tmp_path, text, said):
    assert said in problem(tmp_path, text)


def test_a_missing_file_and_a_folder_are_one_line(tmp_path):
    for path, said in ((tmp_path / "none.yaml", "there is no sweep"), (tmp_path, "is a folder")):
        with pytest.raises(UserError, match=said):
            read_sweep(path)


def test_without_a_command_the_default_of_wandb_is_not_ours(tmp_path):
    content = {name: value for name, value in GOOD.items() if name != "command"}
    assert "command is /usr/bin/env python sdd" in problem(tmp_path, content)
