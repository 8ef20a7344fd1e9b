"""The application on a Ray cluster: connect, start Serve, run, watch, take down.

Import only after `deskwheel.engines` has set the environment: Ray reads its token mode then.
"""

import socket
from pathlib import Path

import ray
from ray import serve
from ray.serve.schema import ApplicationStatus

from deploy.replica import application
from deskwheel.errors import ServiceError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings

NAMESPACE = "deskwheel"
_WATCH_S = 5.0
_LOCAL_CPUS = 4
_LOCAL_STORE_BYTES = 200 * 2**20


def run_until_stopped(settings: Settings) -> None:
    """Serve the application until SIGTERM or SIGINT, then take it down.

    Whoever was killed before may be followed by a new process at once: an application of the
    same name that still runs in the cluster is replaced, without a gap where Serve can.

    Raises:
        ServiceError: Ray cannot be reached, or the application failed; retriable.
    """
    host, port = settings.serve.host, settings.serve.port or free_port(settings.serve.host)
    name = f"deskwheel-{settings.pipeline.name}"
    connect(settings)
    stop = stop_event()  # after `ray.init`, which puts a SIGTERM handler of its own in place
    try:
        serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
        _run(settings, name)
        announce_ready(url=f"http://{host}:{port}")
        print(f"Serving {settings.pipeline.name} at http://{host}:{port}", flush=True)
        while not stop.wait(_WATCH_S):
            _check(name)
        take_down(name)
    finally:
        ray.shutdown()


def connect(settings: Settings) -> None:
    """Connect to the cluster of `train.ray_address`, or start a small local one.

    Raises:
        ServiceError: no cluster answers at the address, or none could be started.
    """
    address = settings.train.ray_address
    try:
        if address:
            ray.init(address=address, namespace=NAMESPACE, log_to_driver=False)
        else:
            _start_local()
    except Exception as error:  # Ray raises a bare Exception when a node is slow to start
        where = f"train.ray_address {address!r}" if address else "a local cluster"
        raise ServiceError(f"no Ray at {where}: {error}; is the machine overloaded?") from error


def take_down(name: str) -> None:
    """Delete the application, and Serve with it when no other application is left."""
    serve.delete(name)
    if not serve.status().applications:
        serve.shutdown()


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _start_local() -> None:
    ray.init(
        address="local",
        namespace=NAMESPACE,
        num_cpus=_LOCAL_CPUS,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        object_store_memory=_LOCAL_STORE_BYTES,
        log_to_driver=False,
    )


def _run(settings: Settings, name: str) -> None:
    try:
        serve.run(application(settings, Path.cwd()), name=name, route_prefix="/")
    except RuntimeError as error:
        raise ServiceError(f"application {name} did not start: {error}") from error


def _check(name: str) -> None:
    try:
        found = serve.status().applications.get(name)
    except Exception as error:  # of many kinds, depending on which part of Ray is gone
        raise ServiceError(f"Ray Serve does not answer: {error}; start it again") from error
    if found is None or found.status == ApplicationStatus.DEPLOY_FAILED:
        state = "gone" if found is None else f"{found.status.value}: {found.message}"
        raise ServiceError(f"application {name} is {state}; start `python -m deploy serve` again")
