import re

import pytest

from sdd.callbacks import JobProgress
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
