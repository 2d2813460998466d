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
    assert disk_trouble(OSError(errno.EIO, "")) == ("disk error", "the disk works")
    assert disk_trouble(FileNotFoundError(errno.ENOENT, "")) is None
    assert disk_trouble(ValueError()) is None


@pytest.mark.parametrize(
    ("number", "problem", "mended"),
    [
        (errno.ENOSPC, "cannot write", "there is room on the disk"),
        (errno.EDQUOT, "cannot write", "there is room within the quota"),
        (errno.EFBIG, "cannot write", "files may be that large"),
        (errno.EROFS, "cannot write", "that file system may be written to"),
        (errno.EACCES, "no permission", "you have that permission"),
        (errno.EPERM, "no permission", "you have that permission"),
        (errno.ESTALE, "disk error", "the disk works"),
    ],
)
def test_each_kind_of_trouble_is_a_sentence(monkeypatch, capsys, number, problem, mended):
    def troubled(arguments):
        raise OSError(number, "so it is", "a/file")

    monkeypatch.setattr("sdd.__main__._run", troubled)
    told = f"sdd: error: {problem} ([Errno {number}] so it is: 'a/file')"
    for command, advice in {
        "clean": "give the command again",
        "fit": "finished levels are safe, and the same command goes on from the last checkpoint",
    }.items():
        assert main([command]) == 1
        assert capsys.readouterr().err == f"{told}; {advice} once {mended}\n"


@pytest.mark.parametrize(("command", "goes_on"), [("fit", True), ("sweep", True), ("clean", False), ("test", False)])
def test_only_what_goes_on_is_said_to_go_on_when_it_is_interrupted(monkeypatch, capsys, command, goes_on):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sdd.__main__._run", interrupted)
    assert main([command]) == 130
    advice = "; the same command goes on from the last checkpoint" if goes_on else ""
    assert capsys.readouterr().err == f"sdd: interrupted{advice}\n"


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
