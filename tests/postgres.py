"""A PostgreSQL server of the tests' own: its files in a temporary folder, a socket for its door."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path

USER = "deskwheel"
START_S = 60.0
STOP_S = 20.0
LESSER_USERS = ("postgres", "nobody")
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the servers' programs, off the path: VERSION/bin."""

_schemas = count()


def why_missing() -> str:
    """Why no server can be started here; empty when one can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed"
    if _program("initdb") is None or _program("postgres") is None:
        return "the programs initdb and postgres of PostgreSQL are not on this machine"
    if os.geteuid() == 0 and _lesser_user() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres or nobody"
    return ""


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[str]:
    """The address of a server that runs inside the block; reached through its socket alone.

    Args:
        is_durable: whether a commit waits for the disk, as in production.
    """
    # Not below pytest's folder: a lesser user may not enter that.
    with tempfile.TemporaryDirectory(prefix="deskwheel-pg-") as name:
        folder, user = Path(name), _lesser_user() if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(folder, user)
        program = [str(_program("initdb")), "-D", str(folder / "data"), "-U", USER, "-A", "trust"]
        program += ["-E", "UTF8", "--locale=C"]
        _run(program, user=user, log=folder / "initdb.log")
        with (folder / "server.log").open("wb") as log:
            command = [str(_program("postgres")), "-D", str(folder / "data"), "-k", name]
            command += ["-c", "listen_addresses=", "-c", f"fsync={'on' if is_durable else 'off'}"]
            command += ["-c", "max_connections=60"]
            server = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
        try:
            url = f"postgresql://{USER}@/postgres?host={name}"
            _wait(url, server, folder / "server.log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=STOP_S)


def empty_schema(url: str) -> str:
    """The address of a part of a server's database that holds no table yet."""
    psycopg = import_module("psycopg")
    name = f"test_{os.getpid()}_{next(_schemas)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{url}&options=-csearch_path%3D{name}"


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    psycopg = import_module("psycopg")
    until = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() >= until:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.05)


def _run(command: list[str], *, user: str | None, log: Path) -> None:
    with log.open("wb") as file:
        done = subprocess.run(
            command, stdout=file, stderr=file, user=user, cwd=log.parent, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {log.read_text()}")


def _program(name: str) -> str | None:
    """The program on the path, or of the newest server that Debian has."""
    installed = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda file: float(file.parts[-3]))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


def _lesser_user() -> str | None:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((user for user in LESSER_USERS if user in known), None)
