"""What `fit` writes anew of a run's small files before it looks at the run."""

import shutil

import pytest

from sdd.__main__ import main
from sdd.checksums import read_checksums
from sdd.runs.folder import RunFolder
from tests.small import QUICK

RUN = [*QUICK, "--pruning.levels", "1", "--pruning.epochs_per_level", "1", "--preflight", "false", "--run_dir", "run"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("mending")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(RUN) == 0
    return place


def test_checksums_that_have_gone_from_a_finished_run_are_written_once(trained, tmp_path, monkeypatch, capsys):
    shutil.copytree(trained / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    before = read_checksums(tmp_path / "run")
    (tmp_path / "run" / "checksums.json").unlink()
    assert main(RUN) == 0
    assert "run has no checksums.json; it is written, of the files as they are" in capsys.readouterr().err
    now = read_checksums(tmp_path / "run")
    assert now.keys() == before.keys()
    assert all(held[-1] == before[name][-1] for name, held in now.items())
    assert main(RUN) == 0
    assert "checksums.json" not in capsys.readouterr().err
    assert RunFolder(tmp_path / "run").finished
