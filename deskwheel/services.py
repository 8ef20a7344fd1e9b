"""The services of the embedded stack, in the order of the sentence, and the ports they use.

Reads and writes no table or topic; the processes it declares do.
"""

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deskwheel.child import Exited, HttpAnswer, OpenPort, Service
from deskwheel.engines import RAY_TOKEN_FILE, engine_environment, ray_token_environment
from deskwheel.errors import SetupError
from deskwheel.settings import Settings

PORTS = (
    "kafka",
    "kafka_controller",
    "ray",
    "ray_dashboard",
    "ray_client",
    "ray_node",
    "ray_objects",
    "ray_agent",
    "ray_agent_grpc",
    "ray_runtime_env",
    "ray_metrics",
    "gateway",
    "serving",
    "mlflow",
    "console",
)
"""Every port the stack listens on by choice; Ray's workers take further ones from the kernel."""

SERVICES = (
    "broker",
    "topics",
    "gateway",
    "transforms",
    "mirror",
    "validate",
    "ray",
    "trainer",
    "serving",
    "promoter",
    "mlflow",
    "console",
)
"""Names of all services, in the order in which they are shown."""

_FIRST_PORT, _LAST_PORT = 20_000, 32_000
"""Above Ray's default worker ports and below the range from which Linux serves connections, so
that a recorded port is still free at the next start."""

_RAY_FOLDER_LIMIT = 40
"""Characters. A socket's path may have 107 on Linux and 103 on macOS, and Ray appends about 60
(`/session_2025-01-01_00-00-00_000000_00000/sockets/plasma_store`). Source: unix(7)."""

_FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}
"""glibc gives each of a process's many threads a heap of its own, which is never given back:
two of them are enough for engines that compute on two threads. Source: mallopt(3)."""

_ONE_NODE = {
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
}
"""Ray Train's actors for the dashboard's page of runs and for preempted nodes: 0.9 GB that a
stack on one node, whose runs are shown by MLflow and the console, has no use for."""

_OBJECT_STORE_BYTES = 200 * 1024 * 1024
_LEAST_CPUS = 4
"""Logical CPUs: the training worker, the replica and their controllers each reserve some, while
on a small machine they seldom compute at the same time."""


@dataclass(frozen=True)
class Place:
    """Where a stack lives: its folder, its ports, and its resolved settings."""

    home: Path
    """Absolute state folder."""
    ports: Mapping[str, int]
    settings: Settings

    @property
    def config(self) -> Path:
        """The resolved settings as a file."""
        return self.home / "deskwheel.toml"

    @property
    def secrets(self) -> Path:
        """Folder of keys and tokens."""
        return Path(self.settings.pipeline.secrets_dir)

    def url(self, port: str) -> str:
        """Address of a port by its name."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def stage(self, *arguments: str) -> list[str]:
        """Command of a stage's verb with this stack's settings."""
        return [sys.executable, "-m", *arguments, "--config", str(self.config)]


def services(place: Place) -> list[Service]:
    """Every service of the stack, declared for its place."""
    base = place.settings.train.base_model
    engines = {**_FEW_ARENAS, **engine_environment(is_offline=_is_local(base))}
    ray = {**engines, **ray_token_environment(place.secrets), **_ONE_NODE}
    return [
        _broker(place),
        Service(
            name="topics",
            command=place.stage("ingest", "topics", "apply"),
            ready=Exited(),
            after=("broker",),
        ),
        Service(
            name="gateway",
            command=place.stage("ingest", "gateway"),
            ready=HttpAnswer(f"{place.url('gateway')}/readyz"),
            facts={"url": place.url("gateway")},
            after=("topics",),
            stop_timeout_s=place.settings.gateway.drain_s + 5,
        ),
        Service(
            name="transforms",
            command=place.stage("transforms", "stream"),
            env=engines,
            after=("topics",),
            stop_timeout_s=30.0,
        ),
        Service(
            name="mirror",
            command=place.stage("ingest", "mirror"),
            env=_FEW_ARENAS,
            after=("topics",),
            stop_timeout_s=15.0,
        ),
        Service(
            name="validate",
            command=place.stage("validate", "watch"),
            env=engines,
            stop_timeout_s=30.0,
        ),
        _ray(place, ray),
        Service(name="trainer", command=place.stage("train", "watch"), env=ray, after=("ray",)),
        Service(
            name="serving",
            command=place.stage("deploy", "serve"),
            env=ray,
            after=("ray", "topics"),
            stop_timeout_s=40.0,
        ),
        Service(
            name="promoter", command=place.stage("deploy", "watch"), env=ray, after=("serving",)
        ),
        _mlflow(place, engines),
        Service(
            name="console",
            command=[
                *place.stage("deskwheel.console"),
                "--home", str(place.home), "--port", str(place.ports["console"]),
            ],
            ready=HttpAnswer(f"{place.url('console')}/healthz"),
            facts={"url": place.url("console")},
            stop_timeout_s=5.0,
        ),
    ]  # fmt: skip


def _is_local(base_model: str) -> bool:
    return base_model == "demo" or Path(base_model).exists()


def with_dependencies(
    chosen: Iterable[str] | None, offered: Iterable[Service], *, without: Iterable[str] = ()
) -> list[Service]:
    """The chosen services (all if None) and those they wait for, in the order offered.

    Those named in `without` are not brought, nor what only they wait for.

    Raises:
        SetupError: a chosen name is not offered.
    """
    known = {service.name: service for service in offered}
    left_out, wanted = set(without), set[str]()
    queue = list(known if chosen is None else chosen)
    while queue:
        name = queue.pop()
        if name not in known:
            raise SetupError(f"unknown service {name!r}; choose from {', '.join(known)}")
        if name not in wanted:
            wanted.add(name)
            queue += [other for other in known[name].after if other not in left_out]
    return [service for name, service in known.items() if name in wanted]


def ray_folder(home: Path) -> Path:
    """Folder of Ray's sessions: in the state folder, or a short path where that one is deep."""
    name = f"dw-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"
    candidates = [home / "ray", Path(tempfile.gettempdir()) / name / "ray"]
    for folder in candidates:
        if len(str(folder)) <= _RAY_FOLDER_LIMIT:
            return folder
    return Path("/tmp") / name / "ray"  # noqa: S108 - created with mode 700 and its owner checked


def choose_ports(recorded: Mapping[str, int], home: Path) -> dict[str, int]:
    """A free port on 127.0.0.1 for every name: the recorded one where it is still free.

    Raises:
        SetupError: too few ports are free.
    """
    ports = {name: port for name, port in recorded.items() if name in PORTS and _is_free(port)}
    span = _LAST_PORT - _FIRST_PORT
    offset = int(hashlib.sha256(str(home).encode()).hexdigest()[:8], 16)
    candidates = (_FIRST_PORT + (offset + step) % span for step in range(span))
    for name in PORTS:
        if name in ports:
            continue
        port = next((p for p in candidates if p not in ports.values() and _is_free(p)), None)
        if port is None:
            raise SetupError(
                f"no free port for {name} between {_FIRST_PORT} and {_LAST_PORT} on 127.0.0.1;"
                " end the programs that hold them"
            )
        ports[name] = port
    return ports


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it, connections of the last stack that still linger would look like a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # All interfaces, because Ray listens on them all.
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _broker(place: Place) -> Service:
    port, controller = place.ports["kafka"], place.ports["kafka_controller"]
    folder = place.home / "kafka"
    return Service(
        name="broker",
        command=[
            sys.executable, "-m", "deskwheel.broker", "--home", str(folder),
            "--port", str(port), "--controller-port", str(controller),
        ],
        ready=OpenPort(port),
        facts={"bootstrap": f"127.0.0.1:{port}"},
    )  # fmt: skip


def _ray(place: Place, env: Mapping[str, str]) -> Service:
    flags = {
        "port": "ray",
        "dashboard-port": "ray_dashboard",
        "ray-client-server-port": "ray_client",
        "node-manager-port": "ray_node",
        "object-manager-port": "ray_objects",
        "dashboard-agent-listen-port": "ray_agent",
        "dashboard-agent-grpc-port": "ray_agent_grpc",
        "runtime-env-agent-port": "ray_runtime_env",
        "metrics-export-port": "ray_metrics",
    }
    return Service(
        name="ray",
        command=[
            # As a module, because its script lies elsewhere where packages come by PYTHONPATH.
            *(sys.executable, "-m", "ray.scripts.scripts", "start"),
            "--head",
            "--block",
            "--node-ip-address=127.0.0.1",
            "--dashboard-host=127.0.0.1",
            *(f"--{flag}={place.ports[name]}" for flag, name in flags.items()),
            f"--num-cpus={max(_LEAST_CPUS, os.cpu_count() or 1)}",
            f"--object-store-memory={_OBJECT_STORE_BYTES}",
            f"--temp-dir={ray_folder(place.home)}",
            "--disable-usage-stats",
            "--log-color=false",
        ],
        env=env,
        # The dashboard answers long before the node can run a job; its agent is the last to start.
        ready=HttpAnswer(
            f"{place.url('ray_agent')}/api/local_raylet_healthz", place.secrets / RAY_TOKEN_FILE
        ),
        facts={"url": place.url("ray_dashboard")},
        stop_timeout_s=30.0,
    )


def _mlflow(place: Place, env: Mapping[str, str]) -> Service:
    return Service(
        name="mlflow",
        command=[
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
            "--port", str(place.ports["mlflow"]), "--workers", "1",
            "--backend-store-uri", place.settings.train.mlflow_uri,
            "--artifacts-destination", str(place.home / "artifacts"),
        ],
        # Background jobs would start further Python processes that nothing here uses.
        env={**env, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        ready=HttpAnswer(f"{place.url('mlflow')}/health"),
        facts={"url": place.url("mlflow")},
        stop_timeout_s=10.0,
    )  # fmt: skip
