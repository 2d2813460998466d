"""Files of weights say which run wrote them."""

import dataclasses

import pytest

from sdd.errors import UserError
from sdd.runs.data_record import DataRecord, PartRecord
from sdd.runs.folder import RunFolder
from sdd.runs.origin import ORIGIN, check_origin, origin_of
from sdd.runs.settings import Settings

DATA = DataRecord({"train": PartRecord([[3, 1], [0, 4]], "i", "t", "l")}, [0.5], [0.25])


def run(path, seed=0, data=DATA, **values):
    folder = RunFolder(path)
    chosen = {"seed_everything": seed}
    folder.write_config("", Settings(chosen, {**chosen, "pruning.levels": 3, **values}))
    folder.write_data_record(data)
    return folder


def test_only_what_the_run_or_the_same_run_elsewhere_has_written_is_taken(tmp_path):
    own = run(tmp_path / "own")
    noisy = dataclasses.replace(DATA, parts={"train": PartRecord([[3, 1], [0, 4]], "i", "t", "other")})
    for folder, words in (
        (run(tmp_path / "seed", seed=1), "seed_everything is 1 but was 0"),
        (run(tmp_path / "noisy", data=noisy), r"its data are not those of data.json"),
        (run(tmp_path / "again"), None),
        (run(tmp_path / "newer", **{"model.new": 1}), None),  # a later version, which has an option more
    ):
        content = {ORIGIN: origin_of(folder), "state_dict": {}}
        if words is None:
            check_origin(content, own, "x.ckpt")
        else:
            with pytest.raises(UserError, match=f"^x.ckpt was written by another run than .*settings.json: {words};"):
                check_origin(content, own, "x.ckpt")


def test_what_does_not_say_whose_it_is_is_trusted(tmp_path):
    own, nowhere = run(tmp_path / "own"), RunFolder(tmp_path / "nowhere")
    assert origin_of(nowhere) is None
    check_origin({"state_dict": {}}, own, "x.ckpt")
    check_origin({ORIGIN: origin_of(own)}, nowhere, "x.ckpt")
