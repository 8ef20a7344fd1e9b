"""A gateway process: parts out of settings, uvicorn on uvloop around them, and a drain at its end.

Writes the raw topics. Ends with status 0 after a drain.
"""

import asyncio
import contextlib
import ctypes
import logging
import math
import signal
import socket
import struct
import sys
import time
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime

import uvicorn
import uvloop

from deskwheel.errors import ConfigError, ServiceError, SetupError
from deskwheel.service import announce_ready
from deskwheel.settings import GatewaySettings, Settings
from ingest.brokers import administration
from ingest.contract import Limits
from ingest.gateway.app import Gateway, build_api
from ingest.gateway.body import Allowance
from ingest.gateway.circuit import Circuit
from ingest.gateway.hooks import read_webhooks
from ingest.gateway.intake import Intake
from ingest.gateway.metrics import Counts
from ingest.gateway.outlet import RECONNECT_S, Outlet
from ingest.gateway.protocol import BoundedProtocol
from ingest.gateway.tenants import Quota, read_tenants
from ingest.gateway.webhooks import Webhooks
from ingest.producer import producer_arguments
from ingest.publish import Publisher

_BACKLOG = 512
_SO_ATTACH_FILTER = 26
"""Of Linux; Python has no name for it."""
_KEEP_ALIVE_S = 30
_LAST_WORDS_S = 0.25
"""How long a drain leaves idle connections open: a request that was on its way when the signal
came still gets its answer, and with it the word that the connection ends."""

_log = logging.getLogger(__name__)


def build(settings: Settings) -> Gateway:
    """The parts of a gateway, not started yet.

    Raises:
        ConfigError: a setting, token, secret or source file is wrong.
    """
    door = settings.gateway
    _check(door)
    producer_arguments(settings.kafka)
    circuit = Circuit(door.ack_wait_s, time.monotonic)
    outlet = Outlet(
        door,
        circuit,
        connect=lambda: Publisher(settings.kafka),
        is_reachable=lambda: is_reachable(settings),
    )
    counts = Counts(outlet)
    limits = Limits.of(settings.transforms)
    limits = replace(limits, max_event_bytes=min(door.max_body_bytes, limits.max_event_bytes))
    quota = Quota(door.events_per_s, time.monotonic)
    return Gateway(
        settings=door,
        tenants=read_tenants(settings),
        outlet=outlet,
        intake=Intake(outlet, counts, quota, limits, lambda: datetime.now(UTC)),
        webhooks=Webhooks(read_webhooks(settings), clock=time.monotonic),
        counts=counts,
        allowance=Allowance(door.max_pending_bytes),
    )


def is_reachable(settings: Settings) -> bool:
    """Whether a broker answers a question within a second.

    A client of Kafka is made only where somebody listens: it costs more than a dead port is worth.
    """
    if not any(_listens(server) for server in settings.kafka.bootstrap.split(",")):
        return False
    try:
        with administration(settings.kafka, timeout_s=RECONNECT_S) as admin:
            admin.describe_cluster()
    except ServiceError:
        return False
    return True


def _listens(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=RECONNECT_S):
            return True
    except (OSError, ValueError):
        return False


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, drain, and return the exit status.

    Raises:
        ConfigError: a setting, token, secret or source file is wrong.
        SetupError: the port is taken.
    """
    gateway = build(settings)
    listener = _listen(settings.gateway)
    config = uvicorn.Config(
        build_api(gateway),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=_BACKLOG,
    )
    uvloop.run(_Server(config, gateway, listener).run_until_signal())
    return 0


class _Server(uvicorn.Server):
    """uvicorn's server with our drain: it ends by itself and with status 0."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, listener: socket.socket) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._listener = listener
        self._closing: asyncio.Task[None] | None = None

    async def run_until_signal(self) -> None:
        """Serve on the bound socket until a signal, then drain."""
        self._gateway.outlet.start()
        host, port = self._listener.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        serving = asyncio.create_task(self.serve(sockets=[self._listener]))
        while not (self.started or serving.done()):
            await asyncio.sleep(0.01)
        _log.info("gateway on http://%s:%d", host, port)
        announce_ready(url=f"http://{host}:{port}")
        await serving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, settle what is pending, within `gateway.drain_s`."""
        deadline = time.monotonic() + self._gateway.settings.drain_s
        await asyncio.sleep(min(_LAST_WORDS_S, self._gateway.settings.drain_s))
        self.config.timeout_graceful_shutdown = math.ceil(max(0.0, deadline - time.monotonic()))
        await super().shutdown(sockets)
        await self._gateway.outlet.close(max(0.0, deadline - time.monotonic()))

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop at a signal; unlike uvicorn's own, do not raise it again at the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        # Now, not at the main loop's next look: clients whose connections end with their answer
        # would connect again meanwhile.
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._stop_listening())
        self._gateway.is_draining = True
        self.should_exit = True

    async def _stop_listening(self) -> None:
        """Take whoever has connected already, then nobody.

        A listener that is closed resets the connections that nobody has accepted yet, and with
        them requests that were sent.
        """
        _turn_away(self._listener)
        waiting = []
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting.append(self._listener.accept()[0])
        for server in self.servers:
            server.close()
        for connection in waiting:
            connection.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> BoundedProtocol:
        return BoundedProtocol(self.config, self.server_state, self.lifespan.state)


def _turn_away(listener: socket.socket) -> None:
    """Have Linux drop who wants to connect from now on; a dropped client tries again in a second.

    Without it one could come in between the last look and the close, and be reset.

    Source: socket(7), SO_ATTACH_FILTER; the filter is one instruction, `return 0`.
    """
    if sys.platform != "linux":
        return
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(instruction))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _listen(settings: GatewaySettings) -> socket.socket:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise SetupError(
            f"gateway.host {settings.host} and gateway.port {settings.port} cannot be listened on"
            f" ({error}); choose another port"
        ) from error
    return listener


def _check(door: GatewaySettings) -> None:
    """Refuse limits under which a permitted batch could never be taken.

    Raises:
        ConfigError: they contradict each other.
    """
    pairs = (
        ("max_batch_events", "max_pending_events"),
        ("max_batch_bytes", "max_pending_bytes"),
        ("max_body_bytes", "max_batch_bytes"),
    )
    for smaller, larger in pairs:
        if getattr(door, smaller) > getattr(door, larger):
            raise ConfigError(
                f"gateway.{smaller} = {getattr(door, smaller)} is above"
                f" gateway.{larger} = {getattr(door, larger)}; raise the second"
            )
