"""A run that would fill the disk is refused before it starts."""

from types import SimpleNamespace

from sdd.__main__ import main
from tests.small import QUICK


def test_less_room_than_the_run_takes_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sdd.cli.disk.shutil.disk_usage", lambda _: SimpleNamespace(total=1, free=1000))
    monkeypatch.setattr("sdd.cli.disk._SAID", 1)
    assert main([*QUICK, "--preflight", "false", "--run_dir", "run"]) == 2
    said, refused = capsys.readouterr().err.splitlines()
    assert "run takes about 0.0 GB of disk while it trains" in said
    assert "of disk more, and 0.00 GB are free: free some (python -m sdd clean)" in refused
    assert not (tmp_path / "run" / "settings.json").exists()
