"""What the rows of a batch are told of one another: redelivered events, and threads of mails.

Found from a few columns of the rows, without Spark, and put into the rows by Arrow (the stream) or
by Spark (a backfill, whose rows need not fit into memory). Reads `turns` and `feedback` through
their index (`transforms.lookup`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import reasons
from deskwheel.settings import Settings
from deskwheel.tables import TURNS
from transforms.intakes import Intake
from transforms.lookup import Event, Lookup, open_lookup
from transforms.thread_lookup import MailRow, find_threads

Place = tuple[str, int, int]
"""Topic, partition and offset of an event."""

_PLACE = ("topic", "partition", "offset")
_OF_MAIL = ("conversation_id", "sent_at", "thread_keys")

_OF_DUPLICATE: dict[str, str | None] = {
    "verdict": "duplicate",
    "reason": reasons.DUPLICATE_EVENT,
    **dict.fromkeys(
        ("text", "shadow_text", "draft_text", "final_text", "disfluencies", "cuts", "notes",
         "emoji")
    ),
}  # fmt: skip
"""What columns say in the row of a duplicate: the others keep their value."""


@dataclass(frozen=True)
class Changes:
    """What changes in the rows of a batch."""

    duplicates: dict[Place, Any] = field(default_factory=dict)
    """Of each redelivered event the lowest value of the intake's order column: the row that stays.
    """
    threads: dict[Place, str] = field(default_factory=dict)
    """The conversation of each mail whose own headers name another one."""


@dataclass(frozen=True)
class Facts:
    """The columns of a batch's rows that changes are found from, row by row."""

    places: Sequence[Place]
    ids: Sequence[str]
    orders: Sequence[Any]
    is_accepted: Sequence[bool]
    reasons: Sequence[str | None]
    ingested_at: Sequence[datetime]
    mails: Sequence[MailRow]

    @staticmethod
    def of(rows: pa.Table, intake: Intake) -> "Facts":
        """The facts of rows of the intake's table."""
        source = rows["source"].combine_chunks()
        places = [pc.struct_field(source, name).to_pylist() for name in _PLACE]
        placed = list(zip(*places, strict=True))
        mails: list[MailRow] = []
        if intake.table is TURNS:
            columns = [rows[name].to_pylist() for name in (*_OF_MAIL, "ingested_at")]
            mails = [
                MailRow(place, *mail)
                for place, *mail in zip(placed, *columns, strict=True)
                if mail[2] is not None
            ]
        return Facts(
            places=placed,
            ids=rows[intake.id_column].to_pylist(),
            orders=rows[intake.order_column].to_pylist(),
            is_accepted=pc.equal(rows["verdict"], "accepted").to_pylist(),
            reasons=rows["reason"].to_pylist(),
            ingested_at=rows["ingested_at"].to_pylist(),
            mails=mails,
        )

    @staticmethod
    def columns(intake: Intake) -> list[str]:
        """Names of the columns that `of` needs."""
        own = ["source", intake.id_column, intake.order_column, "verdict", "reason", "ingested_at"]
        mail = _OF_MAIL if intake.table is TURNS else ()
        return list(dict.fromkeys([*own, *mail]))


def find_changes(facts: Facts, settings: Settings, intake: Intake) -> Changes:
    """The changes of a batch, from its rows and from the table before it.

    An event is a duplicate when one with its id was accepted earlier: in this batch (first
    offset wins) or in the table, within `transforms.dedup_horizon_h` of the broker's clock.
    """
    if not facts.places:
        return Changes()
    oldest = min(facts.ingested_at)
    since = oldest - timedelta(hours=settings.transforms.dedup_horizon_h)
    lookup = open_lookup(settings, intake, now=oldest)
    duplicates = _duplicates(facts, _seen(facts, lookup, since=since))
    return Changes(duplicates, find_threads(facts.mails, settings, lookup))


def _duplicates(facts: Facts, seen: set[Event]) -> dict[Place, Any]:
    accepted = [
        (place, (place[0], name))
        for place, name, is_accepted in zip(facts.places, facts.ids, facts.is_accepted, strict=True)
        if is_accepted
    ]
    first: dict[Event, Place] = {}
    for place, event in accepted:
        first[event] = min(place, first.get(event, place))
    again = {place for place, event in accepted if event in seen or first[event] != place}
    lowest: dict[Place, Any] = {}
    for place, order in zip(facts.places, facts.orders, strict=True):
        if place in again:
            lowest[place] = min(order, lowest.get(place, order))
    return lowest


def _seen(facts: Facts, lookup: Lookup, *, since: datetime) -> set[Event]:
    """Events of the batch that the table has accepted since then."""
    wanted = {
        (place[0], name)
        for place, name, is_new in zip(facts.places, facts.ids, facts.is_accepted, strict=True)
        if is_new
    }
    return lookup.accepted(wanted, since=since)


def changed_table(rows: pa.Table, facts: Facts, changes: Changes, intake: Intake) -> pa.Table:
    """The rows with their changes: a duplicate is one row that carries no text."""
    if changes.threads:
        names = [
            changes.threads.get(place, name)
            for place, name in zip(facts.places, rows["conversation_id"].to_pylist(), strict=True)
        ]
        at = rows.schema.get_field_index("conversation_id")
        rows = rows.set_column(at, rows.schema.field(at), [pa.array(names, pa.string())])
    if not changes.duplicates:
        return rows
    is_fresh = [place not in changes.duplicates for place in facts.places]
    is_kept = [
        place in changes.duplicates and order == changes.duplicates[place]
        for place, order in zip(facts.places, facts.orders, strict=True)
    ]
    fresh, again = rows.filter(pa.array(is_fresh)), rows.filter(pa.array(is_kept))
    for at, column in enumerate(again.schema):
        if column.name in _OF_DUPLICATE:
            values = pa.array([_OF_DUPLICATE[column.name]] * again.num_rows, column.type)
            again = again.set_column(at, column, [values])
    return pa.concat_tables([fresh, again])


def changed_frame(rows: DataFrame, changes: Changes, intake: Intake) -> DataFrame:
    """The same by Spark, for rows that may not fit into memory; the changes have to."""
    if not changes.duplicates and not changes.threads:
        return rows
    places: Iterable[Place] = {**changes.duplicates, **changes.threads}
    told = [
        (*place, _as_text(changes.duplicates.get(place)), changes.threads.get(place))
        for place in places
    ]
    schema = "topic string, partition int, offset long, kept_order string, thread string"
    frame = F.broadcast(rows.sparkSession.createDataFrame(told, schema))
    joined = rows.join(frame, [F.col(f"source.{p}") == F.col(p) for p in _PLACE], "left")
    is_duplicate = F.col("kept_order").isNotNull()
    is_kept = F.col(intake.order_column).cast("string") == F.col("kept_order")
    kept = joined.where(~is_duplicate | is_kept)
    columns = []
    for name in rows.columns:
        value = F.col(name)
        if name == "conversation_id" and changes.threads:
            value = F.coalesce("thread", name)
        if name in _OF_DUPLICATE:
            value = F.when(is_duplicate, F.lit(_OF_DUPLICATE[name])).otherwise(value)
        columns.append(value.alias(name))
    return kept.select(*columns)


def _as_text(order: Any) -> str | None:
    return None if order is None else str(order)
