"""A broker of a test's own, which may be killed, restarted and stopped."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deskwheel import broker
from deskwheel.settings import KafkaSettings
from ingest import topics
from ingest.offsets import broker_ready
from tests.conftest import free_ports

START_S = 90.0
STOP_S = 20.0


class Broker:
    """One broker on fixed ports of 127.0.0.1; its data outlives the process."""

    def __init__(
        self,
        home: Path,
        *,
        further: Mapping[str, str] | None = None,
        users: Sequence[str] = (),
        listeners: Sequence[str] = (),
        java_options: str = "",
        port: int | None = None,
    ) -> None:
        chosen, controller_port, *others = free_ports(2 + len(listeners))
        self.port = port or chosen
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.ports = dict(zip(listeners, others, strict=True))
        self.log = home / "broker.log"
        self._environment = {**os.environ, "JAVA_TOOL_OPTIONS": java_options}
        properties = _listening({"PLAINTEXT": self.port, **self.ports}, controller_port)
        self._command = broker.prepare(
            home,
            port=self.port,
            controller_port=controller_port,
            further={**(properties if listeners else {}), **(further or {})},
            users=users,
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self._process is not None
        return self._process.pid

    def restart(self, *, wait: bool = True) -> None:
        """Start it where it does not run; return when it answers, unless told not to wait."""
        assert self._process is None
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, env=self._environment
            )
        if wait:
            self.await_ready()

    def await_ready(self) -> None:
        """Return when the broker answers."""
        deadline = time.monotonic() + START_S
        while not broker_ready(self.bootstrap, 5):
            process = self._process
            has_ended = process is not None and process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                raise AssertionError(f"the broker did not start: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it at once, as a power cut would: nothing is flushed or told to clients."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None

    def stop(self) -> None:
        """End it in good order; kills it when that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()


def _listening(ports: Mapping[str, int], controller_port: int) -> dict[str, str]:
    """Properties of listeners that are named as their protocols."""
    of_clients = [f"{name}://127.0.0.1:{port}" for name, port in ports.items()]
    return {
        "listeners": ",".join([*of_clients, f"CONTROLLER://127.0.0.1:{controller_port}"]),
        "advertised.listeners": ",".join(of_clients),
        "listener.security.protocol.map": ",".join(
            ["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in ports)]
        ),
    }


def start(
    home: Path,
    *,
    further: Mapping[str, str] | None = None,
    users: Sequence[str] = (),
    listeners: Sequence[str] = (),
    java_options: str = "",
    port: int | None = None,
    with_topics: bool = True,
) -> Broker:
    """A running broker with every topic.

    Args:
        home: a folder of its own.
        further: properties beside those of `deskwheel.broker` or instead of them.
        users: SCRAM credentials, see `deskwheel.broker.prepare`.
        java_options: for its virtual machine, as system properties.
        listeners: protocols that it speaks beside PLAINTEXT, each on a port of `ports`.
        port: of the clients; a free one by default.
        with_topics: create the topics of `deskwheel.topics`.
    """
    started = Broker(
        home,
        further=further,
        users=users,
        listeners=listeners,
        java_options=java_options,
        port=port,
    )
    started.restart()
    if with_topics:
        topics.apply(KafkaSettings(bootstrap=started.bootstrap))
    return started
