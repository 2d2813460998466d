"""The search of `examples/optuna_depth.py`, and how a run ends that Optuna wants no more of."""

import importlib.util
import json

import pytest

from sdd.analysis.curve import read_curve
from sdd.runs.folder import RunFolder
from tests.small import PROJECT

optuna = pytest.importorskip("optuna")
pytest.importorskip("optuna_integration")

FILE = PROJECT / "examples" / "optuna_depth.py"


@pytest.fixture(scope="module")
def example():
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("optuna_depth", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_trial_that_lags_behind_ends_after_its_level_and_its_run_can_be_gone_on_with(example, tmp_path):
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=2)
    )
    with pytest.raises(optuna.TrialPruned, match="at epoch 3"):
        example.train(study.ask(), tmp_path, levels=3, epochs=2)  # the second level's end is the first that counts
    assert len(read_curve(tmp_path / "trial-000" / "curve.csv")) == 2
    assert RunFolder(tmp_path / "trial-000").state().name == "unfinished"


@pytest.mark.slow
def test_the_best_trial_has_the_deepest_trough_of_all_runs(example, tmp_path):
    study = example.search(tmp_path, trials=3, epochs=25)
    depths = {}
    for trial in study.trials:
        folder = tmp_path / f"trial-{trial.number:03d}"
        assert trial.state == optuna.trial.TrialState.COMPLETE
        assert sorted(trial.intermediate_values) == [25 * (level + 1) - 1 for level in range(13)]
        settings = json.loads((folder / "settings.json").read_text())["values"]
        assert settings["data.noise_rate"] == trial.params["data.noise_rate"]
        assert settings["model.optimizer.init_args.lr"] == trial.params["model.optimizer.lr"]
        depths[trial.number] = json.loads((folder / "summary.json").read_text())["depth"] or 0.0
        assert trial.value == pytest.approx(depths[trial.number], rel=1e-6), "Lightning's metrics have single precision"
    assert depths[study.best_trial.number] == max(depths.values()) > 0
