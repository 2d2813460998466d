"""A class that a setting names by its import path and that is not there is told in one line of plain words."""

import pytest

from sdd.cli.parse import parse
from sdd.errors import UserError
from tests.small import QUICK

_INSTALL = "it must be installed, or a file in the folder where the command is given"


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_parts_here.py").write_text("from torch import nn\n\n\nclass Shortcut(nn.Module):\n    pass\n")
    (tmp_path / "own_parts_lacking.py").write_text("import not_installed_here\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--model.net", "not_there.Net"],
            f"model.net is not_there.Net, but there is no module 'not_there': {_INSTALL}",
        ),
        (["--model.lr_scheduler", "not_there.a.B"], "model.lr_scheduler is not_there.a.B, but there is no module"),
        (
            ["--model.net", "own_parts_here.Shortcutt"],
            "model.net is own_parts_here.Shortcutt, but there is no Shortcutt in own_parts_here; "
            "did you mean own_parts_here.Shortcut?",
        ),
        (["--model.net", "own_parts_here.nn"], "model.net is own_parts_here.nn, which is no class derived from Module"),
        (
            ["--model.net", "own_parts_lacking.Net"],
            "model.net is own_parts_lacking.Net, which cannot be imported: No module named 'not_installed_here'",
        ),
        (
            ["--model.optimizer", "torch.optim.Adamm"],
            "model.optimizer is torch.optim.Adamm, but there is no Adamm in torch.optim; "
            "did you mean torch.optim.Adam?",
        ),
        (
            ["--model.optimizer", "SDG"],
            "model.optimizer is SDG, but there is none of this name; did you mean torch.optim.SGD?",
        ),
        (
            ["--trainer.logger", "Tensorboard"],
            "trainer.logger is Tensorboard, but there is none of this name; "
            "did you mean lightning.pytorch.loggers.TensorBoardLogger?",
        ),
        (
            ["--trainer.callbacks", "[not_there.Measure]"],
            f"trainer.callbacks is not_there.Measure, but there is no module 'not_there': {_INSTALL}",
        ),
        (["--model.net", "LMP"], "model.net is LMP, but there is none of this name; did you mean sdd.models.MLP?"),
        (["--model.net", "MLP"], "model.net is MLP, but several classes are called so; give the import path of one: "),
        (
            ["--model.net", "zebra"],
            "model.net is zebra, but there is none of this name; give an import path, such as my_package.Mine",
        ),
        (
            ["--trainer.logger.project", "x"],
            "trainer.logger.project is set, but trainer.logger names no class that could take it: name one before it",
        ),
    ],
)
def test_what_is_wrong_with_a_class_path_is_said_of_its_setting(own_module, arguments, said):
    with pytest.raises(UserError) as raised:
        parse([*QUICK, *arguments])
    assert str(raised.value).startswith(said)
