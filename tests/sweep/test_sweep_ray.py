"""Sweeps on Ray: a cluster of two nodes on this machine, one of which is lost in the middle."""

import re
import signal
import uuid
from pathlib import Path

import pytest

from sdd.__main__ import main
from sdd.analysis.curve import read_curve
from tests.small import curve_without_seconds
from tests.sweep.small_sweep import (
    LONGER,
    kill_all,
    processes,
    run_sweep,
    start_sweep,
    undisturbed,
    wait_until,
    write_sweep,
)

ray = pytest.importorskip("ray")


@pytest.fixture
def mark(monkeypatch):
    """Marks the processes of a test, those of Ray included; what is left of them is ended."""
    name = uuid.uuid4().hex
    monkeypatch.setenv("SDD_TEST_SWEEP", name)
    yield name
    kill_all(name)


@pytest.fixture
def cluster(mark):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def nodes_of(log):
    """Return the node of each process that has worked on a run, the first one first."""
    return re.findall(r"^\$ .* node (\w+)$", log.read_text(), re.MULTILINE)


@pytest.mark.slow
def test_a_node_that_is_lost_costs_no_run_and_no_finished_run_runs_again(tmp_path, mark, cluster):
    lost = cluster.add_node(num_cpus=1)
    # Long enough that a run which has just begun goes on while its node is taken away, and enough to begin one there.
    seeds, extra = [0, 1, 2, 3], [*LONGER, "--pruning.levels", "20", "--pruning.epochs_per_level", "80"]
    write_sweep(tmp_path, {"seed_everything": {"values": seeds}}, *extra)
    folder = tmp_path / "runs" / "small"
    sweep = start_sweep("small.yaml", "--ray", cluster.address, cwd=tmp_path, mark=mark)

    def begun_on_lost_node():
        begun = [path.parent for path in folder.glob("digits*/curve.csv") if len(read_curve(path)) < 6]
        return [path for path in begun if nodes_of(folder / "logs" / f"{path.name}.log")[-1] == lost.node_id]

    wait_until(lambda: list(folder.glob("*/summary.json")) and begun_on_lost_node(), "run to disturb")
    (disturbed,) = begun_on_lost_node()
    finished_before = {path.parent.name for path in folder.glob("*/summary.json")}
    cluster.remove_node(lost, allow_graceful=False)
    out, err = sweep.communicate(timeout=170)
    assert sweep.returncode == 0, err
    assert "4 runs: 4 finished" in out

    nodes = {log.stem: nodes_of(log) for log in (folder / "logs").iterdir()}
    assert {node for first, *_ in nodes.values() for node in [first]} == {lost.node_id, cluster.head_node.node_id}
    assert nodes[disturbed.name] == [lost.node_id, cluster.head_node.node_id]
    assert all(len(nodes[name]) == 1 for name in nodes.keys() - {disturbed.name})
    assert finished_before <= nodes.keys() - {disturbed.name}
    curves = {int(path.name.split("-s")[1][0]): curve_without_seconds(path) for path in folder.glob("digits*-s*")}
    assert curves == {seed: undisturbed(tmp_path, seed, *extra) for seed in seeds}


@pytest.mark.slow
def test_failing_runs_are_not_retried_and_told(tmp_path, mark):
    write_sweep(tmp_path, {"model.optimizer.lr": {"values": [0.1, "1e30"]}})
    status, out, err = run_sweep("small.yaml", "--ray", cwd=tmp_path)
    assert status == 1, err
    assert "2 runs: 1 finished, 1 failed" in out
    assert "  failed   lr=1e30: training diverged at level 0, in epoch 0" in out
    assert [len(nodes_of(log)) for log in (tmp_path / "runs" / "small" / "logs").iterdir()] == [1, 1]
    wait_until(lambda: not processes(mark), "end of Ray", seconds=15)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sweep_leaves_no_process(tmp_path, mark, number):
    write_sweep(tmp_path, {"seed_everything": {"values": [0, 1, 2]}}, *LONGER)
    sweep = start_sweep("small.yaml", "--ray", cwd=tmp_path, mark=mark)
    folder = tmp_path / "runs" / "small"
    wait_until(lambda: list(folder.glob("digits*/curve.csv")), "level")
    sweep.send_signal(number)
    _, err = sweep.communicate(timeout=25)
    assert sweep.returncode == 128 + number
    assert err.splitlines()[-1].startswith(f"sdd: sweep stopped by {number.name}, 0 of 3 runs finished")
    wait_until(lambda: not processes(mark), "end of all processes", seconds=15)
    assert list(folder.glob("digits*/checkpoints/*.ckpt"))


@pytest.mark.slow
def test_each_run_sees_the_gpu_that_ray_gives_it_and_impossible_requests_are_told(tmp_path, mark):
    from ray.cluster_utils import Cluster

    pretended = {"num_cpus": 2, "num_gpus": 2, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=pretended)
    write_sweep(tmp_path, {"seed_everything": {"values": [0, 1, 2]}}, *LONGER)

    def gpus():
        seen = []
        for process, command in processes(mark).items():
            if "sdd.sweep.guarded_fit" in command:
                variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
                seen += [text.decode() for text in variables if text.startswith(b"CUDA_VISIBLE_DEVICES=")]
        return seen

    try:
        ask = ["small.yaml", "--ray", cluster.address, "--gpus_per_run"]
        sweep = start_sweep(*ask, "1", cwd=tmp_path, mark=mark)
        wait_until(lambda: len(gpus()) == 2, "two runs")
        assert sorted(gpus()) == ["CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=1"]
        sweep.send_signal(signal.SIGINT)
        sweep.communicate(timeout=25)
        sweep = start_sweep(*ask, "3", cwd=tmp_path, mark=mark)
        lines = [sweep.stderr.readline() for _ in range(2)]
        sweep.send_signal(signal.SIGINT)
        sweep.communicate(timeout=25)
    finally:
        cluster.shutdown()
    assert "a run asks for 1 CPUs and 3 GPUs, but the machines of this Ray cluster have 2 CPUs and 2 GPUs" in lines[1]
    assert sweep.returncode == 130


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "cannot reach Ray at 127.0.0.1:1 ("),
        ("127.0.0.1:99999", "cannot reach Ray at 127.0.0.1:99999 ("),
        ("somewhere", "the address of Ray is somewhere; it must be HOST:PORT"),
        ("ray://127.0.0.1:10001", "the address of Ray is ray://127.0.0.1:10001; it must be HOST:PORT"),
    ],
)
@pytest.mark.parametrize("by", ["option", "environment"])
def test_an_address_without_a_cluster_is_one_line(tmp_path, monkeypatch, capsys, address, said, by):
    monkeypatch.chdir(tmp_path)
    write_sweep(tmp_path, {"seed_everything": {"value": 0}})
    if by == "environment":
        monkeypatch.setenv("RAY_ADDRESS", address)
    assert main(["sweep", "small.yaml", "--ray", *([address] if by == "option" else [])]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"sdd: error: {said}")
