"""A real broker and a real gateway, each in a process of its own, for as long as a block lasts."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError

from deskwheel import broker
from deskwheel.settings import KafkaSettings
from ingest import topics
from ingest.brokers import reader
from ingest.offsets import broker_ready

TOKEN = "benchmark-only"  # noqa: S105  a toy token
LINGER_MS = KafkaSettings().linger_ms
_START_S = 90.0
_STOP_S = 30.0


class Process:
    """A command that can be started again."""

    def __init__(self, command: list[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        """Describe it; `start` starts it."""
        self._command = command
        self._log = log
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, env=self._env
            )

    def end(self, *, is_kill: bool = False) -> None:
        """End it, by SIGKILL or in good order."""
        if self._process is None:
            return
        if is_kill:
            self._process.kill()
        else:
            self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class Broker(Process):
    """A broker with every topic; its data outlives the process."""

    def __init__(self, home: Path) -> None:
        """Choose ports and format the storage."""
        port, controller_port = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        command = broker.prepare(home, port=port, controller_port=controller_port)
        super().__init__(command, home / "broker.log")

    def start(self) -> None:
        """Start it and return when it answers and has its topics."""
        super().start()
        if not broker_ready(self.bootstrap, _START_S):
            raise RuntimeError(f"the broker did not start: {self._log.read_text()[-2000:]}")
        topics.apply(KafkaSettings(bootstrap=self.bootstrap))


class Gateway(Process):
    """A gateway with a token of our own."""

    def __init__(self, home: Path, bootstrap: str, *, linger_ms: int = LINGER_MS) -> None:
        """Choose a port and write the token."""
        self.url = f"http://127.0.0.1:{_free_ports(1)[0]}"
        home.mkdir(parents=True, exist_ok=True)
        (home / "api_token").write_text(TOKEN, encoding="ascii")
        chosen = {
            "kafka.bootstrap": bootstrap,
            "pipeline.secrets_dir": str(home),
            "gateway.port": int(self.url.rpartition(":")[2]),
            "kafka.linger_ms": linger_ms,
        }
        flags = [word for k, v in chosen.items() for word in ("--set", f"{k}={json.dumps(v)}")]
        command = [sys.executable, "-m", "ingest", "gateway", *flags]
        super().__init__(command, home / "gateway.log")

    def start(self) -> None:
        """Start it and return when it takes events."""
        super().start()
        self.await_ready()

    def await_ready(self) -> float:
        """Return when it takes events, with the seconds that this took."""
        begun = time.monotonic()
        while time.monotonic() < begun + _START_S and self.is_running:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):  # noqa: S310
                    return time.monotonic() - begun
            except (URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"the gateway is not ready: {self._log.read_text()[-2000:]}")


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Start them in order, end them in the other one."""
    with ExitStack() as stack:
        for process in processes:
            stack.callback(process.end)
            process.start()
        yield


def stored_ids(bootstrap: str, topic: str) -> list[str]:
    """The event id of every record of a topic, in order."""
    found: list[str] = []
    from kafka import TopicPartition  # noqa: PLC0415

    with reader(KafkaSettings(bootstrap=bootstrap)) as consumer:
        parts = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=1000).values():
                found += [dict(record.headers)["ce_id"].decode() for record in records]
    return found


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
