import numpy as np
import pytest
import torch

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from sdd.callbacks import IterativePruning
from sdd.errors import UserError
from sdd.pruning.masks import shuffled
from sdd.runs.mask_file import MaskFile
from sdd.seeding import torch_generator
from tests.small import QUICK, level_state, small_run

WEIGHTS = {"hidden.0.weight": (16, 64), "hidden.1.weight": (8, 16)}


def ready_made():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(shape, generator=generator) < 0.25 for name, shape in WEIGHTS.items()}


@pytest.mark.parametrize("ending", ["pt", "npz"])
def test_one_level_is_trained_under_the_mask_after_the_dense_one(tmp_path, ending):
    masks, path = ready_made(), tmp_path / f"mask.{ending}"
    torch.save(masks, path) if ending == "pt" else np.savez(path, **{name: m.numpy() for name, m in masks.items()})
    small_run(tmp_path / "run", masks_from=str(path))
    rows = read_curve(tmp_path / "run" / "curve.csv")
    kept = sum(int(mask.sum()) for mask in masks.values())
    assert [row["remaining"] for row in rows] == [1152, kept]
    (net, held), (dense, _) = level_state(tmp_path / "run", 1), level_state(tmp_path / "run", 0)
    for name, mask in masks.items():
        assert torch.equal(held[name], mask)
        assert bool((net[name][~mask] == 0).all())
        assert not torch.equal(net[name][mask], dense[name][mask])


@pytest.mark.parametrize("retrain", ["lottery", "scratch", "lr_rewind"])
def test_weights_come_from_the_retraining_mode(tmp_path, retrain):
    torch.save(ready_made(), tmp_path / "mask-3.pt")
    named = str(tmp_path / "mask-{seed}.pt")
    _, _, driver = small_run(tmp_path / "run", masks_from=named, retrain=retrain, seed=3)
    start, dense = driver._start, level_state(tmp_path / "run", 0)[0]
    from_initial = torch.equal(start["fc.weight"], driver._initial["fc.weight"])
    assert from_initial == (retrain == "lottery")
    assert torch.equal(start["fc.weight"], dense["fc.weight"]) == (retrain == "lr_rewind")


def test_masks_of_a_run_are_shuffled_within_each_layer_by_one_permutation_for_all_levels(tmp_path):
    run = [*QUICK, "--pruning.levels", "2", "--pruning.epochs_per_level", "1", "--preflight", "false"]
    run += ["--model.net.widths", "[16,8]", "--seed_everything", "5"]
    tickets = str(tmp_path / "tickets")
    assert main([*run, "--run_dir", tickets]) == 0
    given = ["--pruning.masks_from", tickets, "--pruning.masks_shuffled", "true"]
    assert main([*run, *given, "--run_dir", str(tmp_path / "control")]) == 0
    nested = {name: torch.ones(shape, dtype=torch.bool) for name, shape in WEIGHTS.items()}
    for level in range(3):
        (weights, control), (_, ticket) = (level_state(tmp_path / name, level) for name in ("control", "tickets"))
        for place, name in enumerate(sorted(WEIGHTS)):
            order = torch.randperm(nested[name].numel(), generator=torch_generator(5, "shuffled masks", place))
            assert torch.equal(control[name].flatten(), ticket[name].flatten()[order])
            assert int(control[name].sum()) == int(ticket[name].sum())
            assert not bool((control[name] & ~nested[name]).any())
            assert level == 0 or not torch.equal(control[name], ticket[name])
            assert bool((weights[name][~control[name]] == 0).all())
            nested[name] = control[name]
    arguments = {"masks_from": tickets, "masks_shuffled": True, "levels": 2, "seed": 5}
    with pytest.raises(UserError, match=r"pruning\.retrain redense trains the levels of a finished run on"):
        IterativePruning(**arguments, retrain="redense")
    IterativePruning(**arguments, retrain="finetune")


def test_a_mask_in_a_file_is_shuffled_too(tmp_path):
    torch.save(dict(reversed(ready_made().items())), tmp_path / "mask.pt")
    small_run(tmp_path / "run", masks_from=str(tmp_path / "mask.pt"), masks_shuffled=True, epochs_per_level=1)
    held = level_state(tmp_path / "run", 1)[1]
    assert all(torch.equal(held[name], mask) for name, mask in shuffled(ready_made(), 0).items())


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_run_is_not_gone_on_with_under_other_masks(tmp_path, shuffle):
    named = {"masks_from": str(tmp_path / "mask.pt"), "masks_shuffled": shuffle, "epochs_per_level": 1}
    masks = ready_made()
    torch.save(masks, tmp_path / "mask.pt")
    _, module, driver = small_run(tmp_path / "run", **named)

    def gone_on():
        again = IterativePruning(exclude=["fc.weight"], **named)
        again.load_state_dict(driver.state_dict())
        again.given.check_unchanged(1, module.masks, 1)

    gone_on()
    name = next(iter(masks))
    torch.save(masks | {name: masks[name].flip(0)}, tmp_path / "mask.pt")
    with pytest.raises(UserError, match="its level 1 has other masks than when this run was started"):
        gone_on()


def test_through_the_command_line(tmp_path):
    shapes = {"hidden.0.weight": (20, 64)}
    torch.save({name: torch.ones(shape, dtype=torch.bool).tril() for name, shape in shapes.items()}, tmp_path / "m.pt")
    run = ["--pruning.masks_from", str(tmp_path / "m.pt"), "--run_dir", str(tmp_path / "run")]
    assert main([*QUICK, *run]) == 0
    assert [row["remaining"] for row in read_curve(tmp_path / "run" / "curve.csv")] == [20 * 64, 20 * 21 // 2]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (ready_made() | {"fc.weight": torch.ones(10, 8, dtype=torch.bool)}, "other weights: fc.weight"),
        ({"hidden.0.weight": torch.ones(16, 64, dtype=torch.bool)}, "other weights: hidden.1.weight"),
        (ready_made() | {"hidden.0.weight": torch.ones(64, 16, dtype=torch.bool)}, "other weights: hidden.0.weight"),
        (ready_made() | {"hidden.0.weight": torch.full((16, 64), torch.nan)}, "values of torch.float32"),
        (ready_made() | {"hidden.0.weight": torch.ones(16, 64)}, "must be a tensor of bool"),
        (ready_made() | {"hidden.0.weight": [True]}, "a list for hidden.0.weight"),
        (torch.ones(3, dtype=torch.bool), "holds a Tensor"),
        ({}, "must be a dict"),
    ],
)
def test_masks_that_do_not_fit_are_refused_in_one_line(tmp_path, content, word):
    torch.save(content, tmp_path / "mask.pt")
    with pytest.raises(UserError, match=word) as caught:
        small_run(tmp_path / "run", masks_from=str(tmp_path / "mask.pt"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "curve.csv").exists()


@pytest.mark.parametrize("name", ["mask.pt", "mask.npz", "text.pt", "pickle.npz"])
def test_a_damaged_file_is_told_in_one_line(tmp_path, name):
    path = tmp_path / name
    if name == "mask.pt":
        torch.save(ready_made(), path)
        path.write_bytes(path.read_bytes()[:500])
    elif name == "text.pt":
        path.write_text("no masks\nhere")
    elif name == "mask.npz":
        np.savez(path, **{key: mask.numpy() for key, mask in ready_made().items()})
        path.write_bytes(path.read_bytes()[:200])
    else:
        np.savez(path, a=np.array([object()]))
    with pytest.raises(UserError, match=f"{name} cannot be read as masks") as caught:
        MaskFile(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"retrain": "redense"}, "is a file"),
        ({"sparsities": [0.5]}, "leave pruning.schedule and pruning.sparsities unset"),
        ({"schedule": "geometric"}, "leave pruning.schedule and pruning.sparsities unset"),
    ],
)
def test_settings_that_do_not_go_with_a_file_are_refused(tmp_path, arguments, word):
    torch.save(ready_made(), tmp_path / "mask.pt")
    with pytest.raises(UserError, match=word):
        IterativePruning(masks_from=str(tmp_path / "mask.pt"), **arguments)
