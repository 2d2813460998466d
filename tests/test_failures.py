import errno
import sys

import pytest

from sdd.__main__ import main
from sdd.errors import UserError
from sdd.failures import disk_trouble, failure, naming


def test_the_part_and_the_users_own_line_are_named(tmp_path, monkeypatch):
    (tmp_path / "users.py").write_text("import json\n\n\ndef mine():\n    return json.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    import users

    with pytest.raises(UserError) as caught, naming("model.loss users.mine"):
        users.mine()
    assert str(caught.value) == (
        "model.loss users.mine raised JSONDecodeError: Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1) (users.py, line 5)"
    )
    del sys.modules["users"]


def test_an_error_of_several_lines_or_none_is_one_line():
    assert str(failure("x", RuntimeError("two\nlines"))) == "x raised RuntimeError: two lines"
    assert str(failure("x", KeyError())) == "x raised KeyError"


@pytest.mark.parametrize("error", [UserError("said"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_is_said_elsewhere_goes_through(error):
    with pytest.raises(type(error)) as caught, naming("x"):
        raise error
    assert caught.value is error
    assert caught.value.__cause__ is None


def test_which_errors_are_about_the_disk():
    assert disk_trouble(OSError(errno.ENOSPC, "")) == ("cannot write", "there is room")
    assert disk_trouble(PermissionError(errno.EACCES, "")) == ("no permission", "there is one")
    assert disk_trouble(OSError(errno.EIO, "")) == ("disk error", "the disk works")
    assert disk_trouble(FileNotFoundError(errno.ENOENT, "")) is None
    assert disk_trouble(ValueError()) is None


@pytest.mark.parametrize(("command", "advice"), [("sweep", "from the last checkpoint"), ("plot", "give the command")])
def test_only_commands_that_train_are_said_to_go_on_from_a_checkpoint(monkeypatch, capsys, command, advice):
    def full(arguments):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr("sdd.__main__._run", full)
    assert main([command]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no space left" in line
    assert advice in line
    assert ("checkpoint" in line) == (command == "sweep")
