import os
import re
import time

import pytest

from sdd.callbacks import JobProgress
from sdd.errors import UserError
from sdd.runs.heartbeat import Heartbeat, last_beat
from tests.small import small_run


def test_lines_tell_the_share_done_and_the_time_left(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sdd.console._LINE_SECONDS", 0.0)
    small_run(tmp_path, JobProgress("lines"))
    lines = capsys.readouterr().err.splitlines()
    found = [re.fullmatch(r"([\d.]+)% done, epoch (\d+) of 8, (\d+:\d\d:\d\d) left", line) for line in lines]
    shares = [float(match[1]) for match in found if match]
    assert len(shares) == 32
    assert shares == sorted(shares)
    assert shares[-1] == 100


@pytest.mark.parametrize("stop_loss", [None, 100.0])
def test_the_bar_covers_the_whole_job_even_where_levels_end_early(tmp_path, capsys, stop_loss):
    class Spy(JobProgress):
        seen: tuple[int, ...] = ()

        def on_train_batch_end(self, trainer, *rest):
            super().on_train_batch_end(trainer, *rest)
            Spy.seen += (self._progress._bar.n,)
            assert self._progress._bar.total == 32

    small_run(tmp_path, Spy("bar"), stop_loss=stop_loss)
    early = [step for level in range(4) for step in range(8 * level + 1, 8 * level + 5)]
    assert list(Spy.seen) == (list(range(1, 33)) if stop_loss is None else early)


def test_none_shows_nothing(tmp_path, capsys):
    small_run(tmp_path, JobProgress("none"))
    assert "done" not in capsys.readouterr().err


def test_the_heartbeat_says_level_and_epoch_and_changes_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("sdd.runs.heartbeat._SECONDS", 0.0)
    said = []
    monkeypatch.setattr("pathlib.Path.write_text", lambda path, words: said.append((path.name, words)))
    small_run(tmp_path / "run", JobProgress("none", heartbeat=str(tmp_path / "beat")))
    words = [words for name, words in said if name == "beat"]
    assert words[0] == "level 0 of 3, epoch 0 of 8"
    assert words[-1] == "level 3 of 3, epoch 7 of 8"
    assert list(dict.fromkeys(words)) == [f"level {epoch // 2} of 3, epoch {epoch} of 8" for epoch in range(8)]


def test_a_heartbeat_that_cannot_be_written_stops_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    Heartbeat(str(tmp_path / "file" / "beat")).beat("here")
    Heartbeat(None).beat("here")


def test_a_heartbeat_is_a_path_as_all_settings_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Heartbeat("~/beat").beat("here")
    assert last_beat(tmp_path / "beat").words == "here"
    with pytest.raises(UserError, match=r"progress\.heartbeat is .* an address"):
        JobProgress(heartbeat="s3://bucket/beat")


def test_who_waits_gives_signs_of_life_too(tmp_path):
    file = tmp_path / "beat"
    with Heartbeat(str(file)).going_on("waiting"):
        end = time.monotonic() + 5
        while last_beat(file) is None and time.monotonic() < end:
            time.sleep(0.01)
    assert last_beat(file).words == "waiting"


def test_a_heartbeat_goes_to_a_file_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UserError, match=r"progress\.heartbeat is .*, which is no file"):
            Heartbeat(str(place))
