"""A gateway in a process of its own, for tests that need sockets, signals or a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

TOKEN = "toy-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}
START_S = 60.0


class GatewayProcess:
    """One running gateway."""

    def __init__(self, home: Path, bootstrap: str, **gateway: Any) -> None:
        secrets = home / "secrets"
        secrets.mkdir(parents=True, exist_ok=True)
        (secrets / "api_token").write_text(TOKEN)
        self._ready = home / "ready.json"
        self._ready.unlink(missing_ok=True)
        self.log = home / "gateway.log"
        chosen = {
            "kafka.bootstrap": bootstrap,
            "pipeline.secrets_dir": str(secrets),
            **{f"gateway.{name}": value for name, value in gateway.items()},
        }
        flags = [word for k, v in chosen.items() for word in ("--set", f"{k}={json.dumps(v)}")]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest", "gateway", *flags],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DESKWHEEL_READY_FILE": str(self._ready)},
            )
        self.url = self._await_address()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    def await_ready(self) -> None:
        """Return when events are taken."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if httpx.get(f"{self.url}/readyz").status_code == 200:
                return
            time.sleep(0.05)
        raise AssertionError(f"the gateway did not get ready: {self.log.read_text()[-2000:]}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 60.0) -> int:
        """Its exit status."""
        return self._process.wait(timeout_s)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _await_address(self) -> str:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._ready.exists():
                return str(json.loads(self._ready.read_text())["url"])
            time.sleep(0.02)
        self.end()
        raise AssertionError(f"the gateway did not start: {self.log.read_text()[-2000:]}")


@contextmanager
def running(home: Path, bootstrap: str, **gateway: Any) -> Iterator[GatewayProcess]:
    """A gateway that is ended with the block; keywords are settings of `[gateway]`."""
    process = GatewayProcess(home, bootstrap, **gateway)
    try:
        yield process
    finally:
        process.end()
