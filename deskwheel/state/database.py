"""Connections, transactions and the clock of the state database."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from deskwheel.errors import ServiceError, SetupError
from deskwheel.state.fence import Fence, check_fence
from deskwheel.state.tables import Row, prepare_tables

_LOCK_S = 30.0
"""How long a process waits for an SQLite file that others write."""

_LOCK_POLL_S = 0.05


class Database:
    """A connection pool to the state database; its tables are created on first use."""

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        """Open the database at an SQLAlchemy address.

        SQLite runs in WAL mode with a 30 s busy time-out, so that several processes can write.

        Args:
            url: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.
            clock: seconds since the epoch, instead of the database's own clock; for simulations.

        Raises:
            SetupError: PostgreSQL's driver is not installed.
            ServiceError: the database does not answer.
            StateError: its tables are of a newer release.
        """
        self._engine = _open(url)
        self._own_clock = clock
        with self._answering():
            prepare_tables(self._engine)

    def close(self) -> None:
        """Return every connection of the pool."""
        self._engine.dispose()

    def _clock(self) -> sa.ColumnElement[float]:
        """Seconds since the epoch by the database's own clock."""
        if self._own_clock is not None:
            return sa.literal(self._own_clock(), sa.Float)
        if self._engine.dialect.name == "sqlite":
            return sa.literal_column("(julianday('now') - 2440587.5) * 86400.0", sa.Float)
        return sa.literal_column("CAST(extract(epoch from clock_timestamp()) AS FLOAT)", sa.Float)

    @contextmanager
    def _transaction(self, fence: Fence | None = None) -> Iterator[sa.Connection]:
        """A transaction that is refused to a writer whose lease another has taken."""
        with self._answering(), self._engine.begin() as connection:
            if fence is not None:
                check_fence(connection, fence)
            yield connection

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise ServiceError(
                f"the state database {self._engine.url} does not do what it is asked"
                f" ({error.orig}); is it up, and `pipeline.state_url` its address?"
            ) from error

    def _write(self, statement: Any, *, fence: Fence | None = None) -> int:
        with self._transaction(fence) as connection:
            return int(connection.execute(statement).rowcount)

    def _read(self, query: Any) -> list[Row]:
        with self._answering(), self._engine.connect() as connection:
            rows = [dict(r) for r in connection.execute(query).mappings()]
        for row in rows:
            for column in ("detail", "body"):
                if column in row:
                    row[column] = json.loads(row[column])
        return rows


def now_iso() -> str:
    """This process's clock, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def to_json(value: Mapping[str, Any]) -> str:
    """JSON text whose keys are sorted; what JSON cannot hold becomes text."""
    return json.dumps(value, default=str, sort_keys=True)


def _open(url: str) -> sa.Engine:
    address = sa.make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        try:
            # A server that was started anew has closed the pool's connections.
            return sa.create_engine(address, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise SetupError(
                f"the state database {address} needs the driver {error.name!r}, which is not"
                " installed: `pip install 'deskwheel[postgres]'`"
            ) from error
    engine = sa.create_engine(address, connect_args={"timeout": _LOCK_S})
    sa.event.listen(engine, "connect", _use_wal)
    return engine


def _use_wal(connection: Any, _record: Any) -> None:
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            # Of several that open a new file together, SQLite tells all but one at once that it is
            # locked, whatever time-out they have: two of them might wait for each other.
            if time.monotonic() >= until:
                raise
            time.sleep(_LOCK_POLL_S)
    connection.execute("PRAGMA synchronous=NORMAL")
