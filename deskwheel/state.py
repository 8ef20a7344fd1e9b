"""The state database: what needs compare-and-set, in SQLite (embedded) or Postgres.

Windows and leases keep two watchers from training twice; the split decides who is answered by
which variant; the timeline tells people what happened. Tables are SQLAlchemy Core, so both
databases run the same statements.
"""

import json
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from deskwheel.errors import StateError

_LOCK_S = 30.0
"""How long a process waits for an SQLite file that others write."""

_LOCK_POLL_S = 0.05
_METADATA = sa.MetaData()

_timeline = sa.Table(
    "timeline",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("pipeline", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

_windows = sa.Table(
    "windows",
    _METADATA,
    sa.Column("pipeline", sa.String, primary_key=True),
    sa.Column("from_version", sa.Integer, primary_key=True),
    sa.Column("to_version", sa.Integer, nullable=False),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("claimed_at", sa.String, nullable=False),
    sa.Column("snapshot_id", sa.String),
    sa.Column("run_id", sa.String),
    sa.Column("detail", sa.Text, nullable=False),
)

_leases = sa.Table(
    "leases",
    _METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)

_documents = sa.Table(
    "documents",
    _METADATA,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

Row = dict[str, Any]


class State:
    """A connection pool to the state database; its tables are created on first use."""

    def __init__(self, url: str) -> None:
        """Open the database at an SQLAlchemy address.

        SQLite runs in WAL mode with a 30 s busy time-out, so that several processes can write.
        """
        self._engine = sa.create_engine(url, connect_args=_connect_args(url))
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _use_wal)
        _create(self._engine)

    def close(self) -> None:
        """Return every connection of the pool."""
        self._engine.dispose()

    # timeline

    def record(self, pipeline: str, kind: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Append one entry to the timeline, dated by this process's clock."""
        self._write(
            _timeline.insert().values(
                at=_now(), pipeline=pipeline, kind=kind, subject=subject, detail=_json(detail)
            )
        )

    def timeline(
        self, pipeline: str, *, kind: str | None = None, after: int = 0, limit: int = 200
    ) -> list[Row]:
        """Entries of a pipeline, newest first, `detail` decoded."""
        query = sa.select(_timeline).where(_timeline.c.pipeline == pipeline, _timeline.c.id > after)
        if kind is not None:
            query = query.where(_timeline.c.kind == kind)
        return self._read(query.order_by(_timeline.c.id.desc()).limit(limit))

    # windows: PRIMARY KEY (pipeline, from_version) is the promise that a window is claimed once

    def claim_window(
        self,
        pipeline: str,
        from_version: int,
        *,
        to_version: int,
        owner: str,
        detail: Mapping[str, Any],
    ) -> bool:
        """Whether this caller now owns the window that starts at a table version.

        The second caller gets False: the primary key lets only one insert through.
        """
        row = {
            "pipeline": pipeline,
            "from_version": from_version,
            "to_version": to_version,
            "phase": "claimed",
            "owner": owner,
            "claimed_at": _now(),
            "detail": _json(detail),
        }
        try:
            self._write(_windows.insert().values(**row))
        except IntegrityError:
            return False
        return True

    def advance_window(
        self, pipeline: str, from_version: int, *, expect: str, phase: str, **changes: Any
    ) -> None:
        """Move a window from one phase to the next, and set further columns.

        Phases: claimed → frozen → submitted → trained, or failed.

        Raises:
            StateError: the window is not in the expected phase.
        """
        statement = (
            _windows.update()
            .where(
                _windows.c.pipeline == pipeline,
                _windows.c.from_version == from_version,
                _windows.c.phase == expect,
            )
            .values(phase=phase, **changes)
        )
        if self._write(statement) != 1:
            raise StateError(
                f"window {pipeline}/{from_version} is not in phase {expect!r}, so it cannot"
                f" become {phase!r}; another process has moved it: read it again"
            )

    def windows(self, pipeline: str, *, phase: str | None = None) -> list[Row]:
        """Windows of a pipeline, oldest first, optionally of one phase."""
        query = sa.select(_windows).where(_windows.c.pipeline == pipeline)
        if phase is not None:
            query = query.where(_windows.c.phase == phase)
        return self._read(query.order_by(_windows.c.from_version))

    # leases

    def acquire_lease(self, name: str, owner: str, ttl_s: float) -> int | None:
        """A fencing token if the lease is free, expired or ours already; else None.

        The database's clock decides, not the caller's. A renewal keeps its token, a new owner
        gets a higher one, so that writes of a paused former owner can be told apart.
        Source: Kleppmann, "How to do distributed locking" (2016).
        """
        with self._engine.begin() as connection:
            now = float(connection.execute(sa.select(_clock(self._engine))).scalar_one())
            changed = connection.execute(
                _leases.update()
                .where(
                    _leases.c.name == name,
                    sa.or_(_leases.c.owner == owner, _leases.c.expires < now),
                )
                .values(
                    token=sa.case(
                        (_leases.c.owner == owner, _leases.c.token), else_=_leases.c.token + 1
                    ),
                    owner=owner,
                    expires=now + ttl_s,
                )
            )
            row = connection.execute(sa.select(_leases).where(_leases.c.name == name)).first()
            if changed.rowcount == 1 and row is not None:
                return int(row.token)
            if row is not None:
                return None
        return self._first_lease(name, owner, now + ttl_s)

    def _first_lease(self, name: str, owner: str, expires: float) -> int | None:
        try:
            self._write(_leases.insert().values(name=name, owner=owner, token=1, expires=expires))
        except IntegrityError:
            return None
        return 1

    # documents: small JSON records with a revision for compare-and-set

    def put(self, kind: str, id: str, body: Mapping[str, Any], *, expect: int | None = None) -> int:
        """Store a JSON document and return its new revision (from 1).

        Args:
            kind: family of documents, for example `split`, `variant`, `run`, `evaluation`.
            id: unique within the family.
            body: what JSON can hold.
            expect: revision that must be stored now (0: none); None overwrites.

        Raises:
            StateError: the stored revision is another one.
        """
        with self._engine.begin() as connection:
            where = sa.and_(_documents.c.kind == kind, _documents.c.id == id)
            found = connection.execute(sa.select(_documents.c.revision).where(where)).scalar()
            current = int(found or 0)
            if expect is not None and expect != current:
                raise StateError(f"{kind}/{id} is at revision {current}, not {expect}: read again")
            if current == 0:
                values = {"kind": kind, "id": id, "revision": 1, "body": _json(body)}
                try:
                    connection.execute(_documents.insert().values(**values))
                except IntegrityError as error:
                    raise StateError(
                        f"{kind}/{id} was stored at the same time: read it again"
                    ) from error
                return 1
            changed = connection.execute(
                _documents.update()
                .where(where, _documents.c.revision == current)
                .values(revision=current + 1, body=_json(body))
            )
            if changed.rowcount != 1:
                raise StateError(f"{kind}/{id} was changed at the same time: read it again")
            return current + 1

    def get(self, kind: str, id: str) -> tuple[Row, int] | None:
        """A document's body and revision, or None."""
        where = sa.and_(_documents.c.kind == kind, _documents.c.id == id)
        rows = self._read(sa.select(_documents).where(where))
        return (rows[0]["body"], rows[0]["revision"]) if rows else None

    def documents(self, kind: str) -> dict[str, Row]:
        """Every document of a family by id, in order of id."""
        query = sa.select(_documents).where(_documents.c.kind == kind).order_by(_documents.c.id)
        return {row["id"]: row["body"] for row in self._read(query)}

    def _write(self, statement: Any) -> int:
        with self._engine.begin() as connection:
            return int(connection.execute(statement).rowcount)

    def _read(self, query: Any) -> list[Row]:
        with self._engine.connect() as connection:
            rows = [dict(r) for r in connection.execute(query).mappings()]
        for row in rows:
            for column in ("detail", "body"):
                if column in row:
                    row[column] = json.loads(row[column])
        return rows


def _connect_args(url: str) -> dict[str, Any]:
    return {"timeout": _LOCK_S} if url.startswith("sqlite") else {}


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


def _create(engine: sa.Engine) -> None:
    """Create the tables, one statement each that does nothing where the table exists.

    `create_all` looks first and creates then: processes that start together would collide.
    """
    with engine.begin() as connection:
        for table in _METADATA.sorted_tables:
            connection.execute(sa.schema.CreateTable(table, if_not_exists=True))


def _clock(engine: sa.Engine) -> Any:
    """Seconds since the epoch by the database's own clock."""
    if engine.dialect.name == "sqlite":
        return sa.literal_column("(julianday('now') - 2440587.5) * 86400.0")
    return sa.literal_column("extract(epoch from clock_timestamp())")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, default=str, sort_keys=True)
