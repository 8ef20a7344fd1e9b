"""Tables of the state database, and how one of an earlier release becomes today's.

A change of a table adds a column that old rows and old releases can do without, and raises
`SCHEMA_VERSION`: during an upgrade both releases work on the same database.
"""

from typing import Any

import sqlalchemy as sa

from deskwheel.errors import StateError

SCHEMA_VERSION = 2
"""1: no `state_schema`. 2: windows know attempts, reason, model version and who moved them last;
leases know their length."""

Row = dict[str, Any]
METADATA = sa.MetaData()

TIMELINE = sa.Table(
    "timeline",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("pipeline", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

WINDOWS = sa.Table(
    "windows",
    METADATA,
    sa.Column("pipeline", sa.String, primary_key=True),
    sa.Column("from_version", sa.Integer, primary_key=True),
    sa.Column("to_version", sa.Integer, nullable=False),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("claimed_at", sa.String, nullable=False),
    sa.Column("snapshot_id", sa.String),
    sa.Column("run_id", sa.String),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("reason", sa.Text),
    sa.Column("model_version", sa.String),
    sa.Column("moved_by", sa.String),
)

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("ttl_s", sa.Float),
)

DOCUMENTS = sa.Table(
    "documents",
    METADATA,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

SCHEMA = sa.Table("state_schema", METADATA, sa.Column("version", sa.Integer, primary_key=True))

_LOCK_ID = 0x6465736B
"""Any number, the same in every release: who holds it alone changes tables in PostgreSQL."""


def prepare_tables(engine: sa.Engine) -> None:
    """Create what is missing; processes that start together do it one after the other.

    Raises:
        StateError: a newer release has changed the tables.
    """
    with engine.begin() as connection:
        if _version(connection) == SCHEMA_VERSION:
            return
    with engine.begin() as connection:
        _lock(connection)
        found = _version(connection)
        if found > SCHEMA_VERSION:
            raise StateError(
                f"the state database has tables of version {found}, and this release knows"
                f" {SCHEMA_VERSION}: use the release that made it, or a newer one"
            )
        if found < SCHEMA_VERSION:
            _bring_up_to_date(connection)


def _version(connection: sa.Connection) -> int:
    """Version of the tables; 1 for a database that knows none, empty or not."""
    if not sa.inspect(connection).has_table(SCHEMA.name):
        return 1
    return int(connection.execute(sa.select(sa.func.max(SCHEMA.c.version))).scalar() or 1)


def _lock(connection: sa.Connection) -> None:
    """Hold off the others until the end of the transaction.

    PostgreSQL's IF NOT EXISTS looks first and creates then, so two at once would collide.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_ID)))


def _bring_up_to_date(connection: sa.Connection) -> None:
    for table in METADATA.sorted_tables:
        connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
        known = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                made = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {made}")
    connection.execute(SCHEMA.insert().values(version=SCHEMA_VERSION))
