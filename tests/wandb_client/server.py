"""A stand-in W&B server on the loopback interface, for the real client: GraphQL, file streams and uploads.

It answers the operations that `wandb sweep`, `wandb agent`, a run and `wandb sync` of 0.31 make, each by its name, and
keeps what it is told in a `Backend`. An operation that it does not know is answered with an error and noted.
"""

import gzip
import json
import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.wandb_client.backend import HISTORY, Backend, Run, Sweep

ENTITY = "someone"

Answer = dict[str, Any]


class UnknownOperationError(Exception):
    """The client asked for something that this server does not have."""


class StandIn:
    """The server. Use it as a context: it serves from entry to exit.

    Attributes:
        unknown: Names of the operations that it was asked for and does not know.
        errors: What went wrong here.
        fault: HTTP status by which every request is answered; None: as it should be.
        delay: Seconds before an answer.
    """

    def __init__(self) -> None:
        self.backend = Backend()
        self.unknown: list[str] = []
        self.errors: list[str] = []
        self.fault: int | None = None
        self.delay = 0.0
        self._lock = threading.RLock()
        self._http: _Http | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """What goes into WANDB_BASE_URL."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "StandIn":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; after a stop on the same port, with what is known so far."""
        self._http = _Http(("127.0.0.1", self._port), _Handler)
        self._http.stand_in, self._port = self, self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be unreachable."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http.drop_connections()
            self._http = None

    @contextmanager
    def locked(self) -> Iterator[Backend]:
        """Look at the state, or change it, while no request does."""
        with self._lock:
            yield self.backend

    @property
    def runs(self) -> list[Run]:
        """All runs, in the order of their creation."""
        with self._lock:
            return list(self.backend.runs.values())

    @property
    def sweeps(self) -> list[Sweep]:
        """All sweeps, in the order of their creation."""
        with self._lock:
            return list(self.backend.sweeps.values())

    def graphql(self, query: str, variables: Answer) -> Answer:
        """Answer an operation.

        Raises:
            UnknownOperationError: There is no method of its name.
        """
        found = re.search(r"\b(?:query|mutation)\s+(\w+)", query)
        name = found[1] if found else query
        method = getattr(self, f"_{name}", None)
        if method is None:
            self.unknown.append(name)
            raise UnknownOperationError(name)
        with self._lock:
            answer: Answer = method(variables)
            return answer

    def stream(self, run: str, body: Answer) -> None:
        """Take a part of a run's file stream."""
        with self._lock:
            self.backend.stream(run, body)

    def upload(self, run: str, name: str, content: bytes) -> None:
        """Take a file of a run."""
        with self._lock:
            if run in self.backend.runs:
                self.backend.runs[run].files[name] = content

    # The operations, by the names that the client gives them.

    def _Viewer(self, _: Answer) -> Answer:  # noqa: N802
        teams = {"edges": [{"node": {"name": ENTITY}}]}
        user = {"id": "U", "entity": ENTITY, "username": ENTITY, "email": "", "flags": "{}", "teams": teams}
        return {"viewer": user}

    def _ServerFeaturesQuery(self, _: Answer) -> Answer:  # noqa: N802
        return {"serverInfo": {"features": []}}

    def _FetchOrgEntityFromEntity(self, _: Answer) -> Answer:  # noqa: N802
        return {"entity": {"organization": None}}

    _OrganizationCoreWeaveOrganizationID = _FetchOrgEntityFromEntity

    def _UpsertSweep(self, given: Answer) -> Answer:  # noqa: N802
        sweep = self.backend.create_sweep(given.get("projectName") or "uncategorized", given["config"])
        answer = {"name": sweep.name, "project": _project(sweep.project)}
        return {"upsertSweep": {"sweep": answer, "configValidationWarnings": []}}

    def _SweepWithRuns(self, given: Answer) -> Answer:  # noqa: N802
        sweep = self.backend.sweeps[given["sweep"]]
        answer = {"id": sweep.name, "name": sweep.name, "config": sweep.config, "state": "RUNNING"}
        return {"project": {"sweep": answer | {"runs": {"edges": []}}}}

    def _CreateAgent(self, given: Answer) -> Answer:  # noqa: N802
        return {"createAgent": {"agent": {"id": self.backend.create_agent(given["sweep"])}}}

    def _Heartbeat(self, given: Answer) -> Answer:  # noqa: N802
        commands = self.backend.heartbeat(given["id"], json.loads(given["runState"]))
        return {"agentHeartbeat": {"agent": {"id": given["id"]}, "commands": json.dumps(commands)}}

    def _RunResumeStatus(self, given: Answer) -> Answer:  # noqa: N802
        """Tell a client that may resume what the run has; nothing where it has not been started."""
        run = self.backend.runs.get(given["name"])
        bucket = None if run is None or run.state == "pending" else _bucket(run)
        return {"model": _project(given["project"]) | {"bucket": bucket}}

    def _UpsertBucket(self, given: Answer) -> Answer:  # noqa: N802
        run, new = self.backend.upsert_run(given)
        return {"upsertBucket": {"bucket": _bucket(run), "inserted": new}}

    def _CreateRunFiles(self, given: Answer) -> Answer:  # noqa: N802
        files = [{"name": name, "uploadUrl": f"{self.url}/put/{given['run']}/{name}"} for name in given["files"]]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def _MarkRunFilesUploaded(self, _: Answer) -> Answer:  # noqa: N802
        return {"markRunFilesUploaded": {"success": True}}

    # A logged table is an artifact too; its content is not kept, as the same file is uploaded as a medium.

    def _ArtifactType(self, _: Answer) -> Answer:  # noqa: N802
        return {"project": {"artifact": None}}

    def _XXHashDigestsEnabled(self, _: Answer) -> Answer:  # noqa: N802
        return {"entity": {"xxhashDigestsEnabled": False}}

    def _CreateArtifact(self, _: Answer) -> Answer:  # noqa: N802
        artifact = {"id": "A", "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
        return {"createArtifact": {"artifact": artifact}}

    def _CreateArtifactManifest(self, _: Answer) -> Answer:  # noqa: N802
        file = {"id": "M", "uploadUrl": f"{self.url}/put/artifact/manifest", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": "M", "file": file}}}

    def _UpdateArtifactManifest(self, given: Answer) -> Answer:  # noqa: N802
        return {"updateArtifactManifest": self._CreateArtifactManifest(given)["createArtifactManifest"]}

    def _CreateArtifactFiles(self, given: Answer) -> Answer:  # noqa: N802
        plain = {"storagePath": None, "uploadHeaders": [], "uploadMultipartUrls": None, "artifact": {"id": "A"}}
        files = given["input"]["artifactFiles"]
        nodes = [{"node": plain | {"uploadUrl": f"{self.url}/put/artifact/{file['name']}"}} for file in files]
        return {"createArtifactFiles": {"files": {"edges": nodes}}}

    def _CommitArtifact(self, _: Answer) -> Answer:  # noqa: N802
        return {"commitArtifact": {"artifact": {"id": "A", "digest": ""}}}


def _project(name: str) -> Answer:
    return {"id": name, "name": name, "entity": {"id": ENTITY, "name": ENTITY}}


def _bucket(run: Run) -> Answer:
    """Return a run as the client knows it."""
    streams = {"history": run.streams.get(HISTORY, []), "events": run.streams.get("wandb-events.jsonl", [])}
    return {
        "id": run.name,
        "name": run.name,
        "displayName": run.display_name,
        "description": None,
        "notes": None,
        "tags": run.tags,
        "sweepName": run.sweep,
        "project": _project(run.project),
        "config": json.dumps(run.raw_config),
        "wandbConfig": json.dumps({"t": run.raw_config.get("_wandb", {}).get("value", {}).get("t", {})}),
        "summaryMetrics": json.dumps(run.summary),
        "logLineCount": len(run.streams.get("output.log", [])),
        "historyLineCount": len(streams["history"]),
        "eventsLineCount": len(streams["events"]),
        "historyTail": json.dumps(streams["history"][-1:]),
        "eventsTail": json.dumps(streams["events"][-1:]),
    }


class _Http(ThreadingHTTPServer):
    """Knows its open connections, so that a stopped server is unreachable at once."""

    daemon_threads = True
    allow_reuse_address = True
    stand_in: StandIn

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        """Hang up on every client."""
        for request in list(self._open):
            with suppress(OSError):  # it has hung up itself
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note what goes wrong here; that a client is gone does not, as many are killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.stand_in.errors.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    """Reads a request and finds who answers it."""

    protocol_version = "HTTP/1.1"
    server: _Http
    _STREAM: ClassVar[re.Pattern[str]] = re.compile(r"/files/[^/]+/[^/]+/([^/]+)/file_stream")

    def do_POST(self) -> None:
        body = json.loads(self._content() or b"{}")
        if self._fails():
            return
        stream = self._STREAM.fullmatch(self.path)
        if stream:
            self.server.stand_in.stream(stream[1], body)
            self._answer(200, {})
        elif self.path == "/graphql":
            try:
                self._answer(200, {"data": self.server.stand_in.graphql(body["query"], body.get("variables") or {})})
            except UnknownOperationError as error:
                self._answer(400, {"errors": [{"message": f"no operation {error}"}], "data": None})
        else:
            self._answer(404, {})

    def do_PUT(self) -> None:
        _, _, run, name = unquote(self.path).split("/", 3)
        content = self._content()
        if self._fails():
            return
        self.server.stand_in.upload(run, name, content)
        self._answer(200, {})

    def do_GET(self) -> None:
        self._answer(404, {})

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def _fails(self) -> bool:
        """Take time, and answer with an error, as far as the server is to do so."""
        time.sleep(self.server.stand_in.delay)
        fault = self.server.stand_in.fault
        if fault is not None:
            self._answer(fault, {"errors": [{"message": f"no luck, {fault}"}]})
        return fault is not None

    def _content(self) -> bytes:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content

    def _answer(self, status: int, content: Answer) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
