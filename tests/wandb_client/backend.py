"""What a W&B server remembers: sweeps, runs and their states. In memory, and only as much as the client asks about.

Written after W&B's documentation ("Resume preemptible Sweeps runs", "Signal handling and sweep runs"), issues 4237 and
9143 of wandb, and what the client of 0.31 sends and reads.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import yaml

from tests.wandb_client import search

HISTORY, SUMMARY = "wandb-history.jsonl", "wandb-summary.json"


@dataclass
class Run:
    """A run as the server knows it.

    Attributes:
        state: `pending` until the client says something, `running`, and one of `finished`, `failed`, `crashed` (no exit
            code and no sign of life), `preempted` (to be handed out again).
        cell: What the sweep gave it, by name.
        streams: Lines of its append-only files, such as its history, by the file's name.
        files: Content of what was uploaded, by name.
    """

    name: str
    project: str = ""
    sweep: str | None = None
    cell: dict[str, Any] = field(default_factory=dict)
    state: str = "pending"
    exitcode: int | None = None
    preempting: bool = False
    display_name: str | None = None
    group: str | None = None
    tags: list[str] = field(default_factory=list)
    raw_config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    starts: int = 0

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration, less what the client adds for itself."""
        return {key: entry["value"] for key, entry in self.raw_config.items() if key != "_wandb"}

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was logged, a dictionary a call."""
        return [json.loads(line) for line in self.streams.get(HISTORY, [])]

    @property
    def levels(self) -> list[dict[str, Any]]:
        """The rows of the history that are rows of a curve."""
        return [row for row in self.history if "sparsity" in row]

    @property
    def step_metrics(self) -> dict[str, str]:
        """The x axis of each metric that has one of its own, as `define_metric` set it."""
        # Entries of MetricRecord by the numbers of its fields: 1 is the name, 5 the step metric's place, from 1.
        metrics = self.raw_config.get("_wandb", {}).get("value", {}).get("m", [])
        return {entry["1"]: metrics[entry["5"] - 1]["1"] for entry in metrics if "1" in entry and "5" in entry}

    def write(self, file: str, offset: int, lines: list[str]) -> None:
        """Put lines where the client wants them: a line that is sent again replaces itself."""
        content = self.streams.setdefault(file, [])
        content[offset : offset + len(lines)] = lines

    def media(self, prefix: str) -> list[bytes]:
        """Return uploaded media whose name starts so."""
        return [content for name, content in self.files.items() if name.startswith(f"media/{prefix}")]


@dataclass
class Sweep:
    """A grid, and what of it is still to be handed out; or a search, whose cells come as its runs end."""

    name: str
    project: str
    config: str
    cells: list[dict[str, Any]]
    waiting: deque[dict[str, Any]]
    queue: deque[str] = field(default_factory=deque)

    @property
    def program(self) -> str:
        """What `${program}` stands for."""
        return str(self.content["program"])

    @property
    def content(self) -> dict[str, Any]:
        """Its file, read."""
        content: dict[str, Any] = yaml.safe_load(self.config)
        return content

    @property
    def searches(self) -> bool:
        """Whether its cells depend on what its runs found."""
        return self.content.get("method") in search.SEARCHES


@dataclass
class Backend:
    """Everything on the server. Its callers hold a lock: no method is called twice at once.

    Attributes:
        handed_out: The commands that agents were given: agent, type and run.
        stopping: Runs that somebody stops, on the page or by early termination.
        stopped_early: Those of a search that were told so by early termination, once each.
    """

    sweeps: dict[str, Sweep] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    handed_out: list[tuple[str, str, str]] = field(default_factory=list)
    stopping: set[str] = field(default_factory=set)
    stopped_early: set[str] = field(default_factory=set)

    def create_sweep(self, project: str, config: str) -> Sweep:
        """Take a sweep, as YAML; parameters in the order of their names, the last one changing fastest."""
        sweep = Sweep(f"sweep{len(self.sweeps)}", project, config, [], deque())
        if not sweep.searches:
            parameters = sweep.content["parameters"]
            names = sorted(parameters)
            values = [parameters[name].get("values", [parameters[name].get("value")]) for name in names]
            sweep.cells = [dict(zip(names, combination, strict=True)) for combination in product(*values)]
            sweep.waiting.extend(sweep.cells)
        self.sweeps[sweep.name] = sweep
        return sweep

    def create_agent(self, sweep: str) -> str:
        """Register an agent of a sweep."""
        name = f"agent{len(self.agents)}"
        self.agents[name] = sweep
        return name

    def heartbeat(self, agent: str, running: dict[str, bool]) -> list[dict[str, Any]]:
        """Answer an agent: with a command if it runs nothing. `exit` ends it, and would kill what it runs."""
        sweep = self.sweeps[self.agents[agent]]
        mine = [run for run in self.runs.values() if run.sweep == sweep.name]
        if sweep.searches and not running and not sweep.queue and not sweep.waiting:
            cell = search.next_cell(sweep.content, mine)
            sweep.waiting.extend([] if cell is None else [cell])
        if running:
            if sweep.searches:
                self.stopping |= (search.ended_early(sweep.content, mine) & running.keys()) - self.stopped_early
                self.stopped_early |= self.stopping
            stopped = self.stopping & running.keys()
            self.stopping -= stopped  # the agent kills a run that it is told to stop once more, if that is much later
            return [{"type": "stop", "run_id": name} for name in stopped]
        if sweep.queue:
            run, kind = self.runs[sweep.queue.popleft()], "resume"
            # The real server sends the run's whole configuration, the nested part that it logged itself included, and
            # as the client wrote it: 0.0 is 0 by then.
            arguments = run.config
        elif sweep.waiting:
            run, kind = self._new_run(sweep), "run"
            arguments = run.cell
        else:
            return [{"type": "exit"}]
        self.handed_out.append((agent, kind, run.name))
        values = {name: {"value": value} for name, value in arguments.items()}
        return [{"type": kind, "run_id": run.name, "program": sweep.program, "args": values}]

    def _new_run(self, sweep: Sweep) -> Run:
        run = Run(f"run{len(self.runs):05d}", sweep.project, sweep.name, sweep.waiting.popleft())
        self.runs[run.name] = run
        return run

    def upsert_run(self, given: dict[str, Any]) -> tuple[Run, bool]:
        """Create or change a run; also tell whether it is new to the client."""
        name, sweep = given["name"], given.get("sweep")
        run = self.runs.setdefault(name, Run(name, given.get("project") or "uncategorized", sweep))
        new = run.state == "pending"
        if given.get("host") is not None:  # what a client says once, when it starts
            run.state, run.exitcode, run.preempting = "running", None, False
            run.starts += 1
        run.sweep = run.sweep or sweep
        run.display_name = given.get("displayName") or run.display_name
        run.group = given.get("groupName") or run.group
        run.tags = given.get("tags") or run.tags
        run.raw_config = json.loads(given["config"]) if given.get("config") else run.raw_config
        run.summary = json.loads(given["summaryMetrics"]) if given.get("summaryMetrics") else run.summary
        return run, new

    def stream(self, name: str, body: dict[str, Any]) -> None:
        """Take a part of a run's history, summary, output or state."""
        run = self.runs[name]
        for file, chunk in body.get("files", {}).items():
            run.write(file, chunk["offset"], chunk["content"])
            if file == SUMMARY:
                run.summary = json.loads(chunk["content"][-1])
        run.preempting = run.preempting or bool(body.get("preempting"))
        if body.get("complete"):
            run.exitcode = body["exitcode"]
            self._end(run, "finished" if run.exitcode == 0 else "failed")

    def lose(self, name: str) -> None:
        """Let five minutes pass without a sign of life of a run."""
        if self.runs[name].state in {"pending", "running"}:
            self._end(self.runs[name], "crashed")

    def delete(self, name: str) -> None:
        """Do what a user does to have a cell run again: delete its run, and resume the sweep."""
        run = self.runs[name]
        self.runs[f"{name}, deleted"] = self.runs.pop(name)
        self.sweeps[str(run.sweep)].waiting.append(run.cell)

    def _end(self, run: Run, state: str) -> None:
        """A run that announced its pre-emption is queued again, unless it ended well."""
        run.state = "preempted" if run.preempting and state != "finished" else state
        if run.state == "preempted" and run.sweep is not None:
            self.sweeps[run.sweep].queue.append(run.name)
