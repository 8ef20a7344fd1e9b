"""A fake of the Kubernetes API, as far as RayJobs and the logs of their pods go.

It is no Kubernetes: it keeps what it is given, refuses a second object of a name, and shows the
status that a test has set. What KubeRay does with a RayJob is not tested by it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

TOKEN = "a-toy-token"
_JOBS = "/apis/ray.io/v1/namespaces/training/rayjobs"
_PODS = "/api/v1/namespaces/training/pods"


class FakeCluster:
    """What the fake holds; a test reads and changes it."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, str] = {}
        self.refusal: str | None = None
        self.has_kuberay = True
        self.is_down = False
        self.url = ""

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Status and body of an answer."""
        path, query = urlparse(target).path, parse_qs(urlparse(target).query)
        if self.is_down:
            return 503, {"message": "the server is currently unable to handle the request"}
        if path.startswith(_PODS):
            return self._pods(path, query)
        if not self.has_kuberay:
            return 404, "404 page not found"
        if method == "POST":
            return self._create(body)
        name = path.removeprefix(f"{_JOBS}/")
        if name not in self.jobs:
            return 404, {"message": f'rayjobs.ray.io "{name}" not found'}
        return 200, self.jobs.pop(name) if method == "DELETE" else self.jobs[name]

    def _create(self, body: Any) -> tuple[int, Any]:
        name = body["metadata"]["name"]
        if self.refusal is not None:
            return 422, {"message": self.refusal}
        if name in self.jobs:
            return 409, {"message": f'rayjobs.ray.io "{name}" already exists'}
        self.jobs[name] = body
        return 201, body

    def _pods(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path.endswith("/log"):
            lines = self.logs[path.split("/")[-2].removesuffix("-pod")].splitlines()
            return 200, "\n".join(lines[-int(query["tailLines"][0]) :])
        name = query["labelSelector"][0].removeprefix("job-name=")
        pod = {"metadata": {"name": f"{name}-pod", "creationTimestamp": "2026-03-02T12:00:00Z"}}
        return 200, {"items": [pod] if name in self.logs else []}


@contextmanager
def fake_cluster() -> Iterator[FakeCluster]:
    """A fake that listens on 127.0.0.1 until the block ends."""
    cluster = FakeCluster()

    class Answers(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.headers["Authorization"] == f"Bearer {TOKEN}":
                status, found = cluster.answer(self.command, self.path, body)
            else:
                status, found = 401, {"message": "Unauthorized"}
            text = found if isinstance(found, str) else json.dumps(found)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        cluster.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()
