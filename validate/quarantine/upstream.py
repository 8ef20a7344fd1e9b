"""What never came to the gate: events that were turned away, and conversations without a pair.

Reads `turns`, `conversations` and `examples` without their texts; writes nothing. Cost is linear in
the rows of the three tables.
"""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS
from validate.quarantine.filters import Filter
from validate.quarantine.rows import counted, table_of

OPEN = "open"
"""Why a conversation has no pair that has not been closed yet."""

_VERSION = ("conversation_id", "version")


@dataclass(frozen=True, kw_only=True)
class TurnedAway:
    """Events of one reason, topic and day that became no turn of a conversation."""

    reason: str
    """Code of `deskwheel.reasons`; DUPLICATE_EVENT for a repetition."""
    topic: str
    day: str
    """On which the broker took them, in UTC."""
    events: int


@dataclass(frozen=True, kw_only=True)
class Unpaired:
    """Conversations of one channel and cause whose newest version has no example."""

    why: str
    """`open`, the kind of noise (no_customer, no_answer, bot_only, advertisement), or the
    resolution of a dialogue in which nothing could be taken for question and answer."""
    channel: str
    conversations: int


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What a summary says of the stages before the gate."""

    turned_away: tuple[TurnedAway, ...] = ()
    """Newest day first, then most events first."""
    unpaired: tuple[Unpaired, ...] = ()
    """Most conversations first."""


def look_upstream(lake_dir: str, wanted: Filter) -> Upstream:
    """Both counts, for the channel, reason and time that are meant.

    The time is that of the broker for events and open conversations, and of the last turn for
    closed ones. Events know no category and no verdict, and a conversation without a pair has no
    reason code: asked for one of these, the count has nothing.
    """
    if wanted.verdict is not None:
        return Upstream()
    return Upstream(
        turned_away=() if wanted.category else _turned_away(lake_dir, wanted),
        unpaired=() if wanted.reason else _unpaired(lake_dir, wanted),
    )


def _turned_away(lake_dir: str, wanted: Filter) -> tuple[TurnedAway, ...]:
    where = _and(pc.field("verdict") != "accepted", wanted.within("ingested_at"))
    rows = table_of(lake_dir, TURNS, columns=["reason", "source", "ingested_at"], where=where)
    place = rows["source"].combine_chunks()
    events = pa.table(
        {
            "reason": rows["reason"],
            "topic": pc.struct_field(place, "topic"),
            "day": pc.strftime(rows["ingested_at"], "%Y-%m-%d"),
            "partition": pc.struct_field(place, "partition"),
            "offset": pc.struct_field(place, "offset"),
        }
    )
    once = events.group_by(events.column_names).aggregate([])
    found = [
        TurnedAway(reason=reason, topic=topic, day=day, events=count)
        for (reason, topic, day), count in counted(once, "reason", "topic", "day").items()
        if wanted.has_reason([reason]) and wanted.channel in (None, topic.removeprefix("raw."))
    ]
    found.sort(key=lambda t: (-t.events, t.reason, t.topic))
    return tuple(sorted(found, key=lambda t: t.day, reverse=True))


def _unpaired(lake_dir: str, wanted: Filter) -> tuple[Unpaired, ...]:
    closed = table_of(lake_dir, CONVERSATIONS, columns=[*_VERSION])
    newest = closed.group_by("conversation_id").aggregate([("version", "max")])
    newest = newest.rename_columns({"version_max": "version"})
    mined = table_of(lake_dir, EXAMPLES, columns=["conversation_id", "conversation_version"])
    bare = newest.join(mined, [*_VERSION], mined.column_names, "left anti")
    where = _of_channel(wanted, wanted.within("closed_at"))
    if wanted.category is not None:
        where = _and(where, pc.field("category") == wanted.category)
    told = table_of(
        lake_dir, CONVERSATIONS, columns=[*_VERSION, "channel", "noise", "resolution"], where=where
    )
    told = told.join(bare, [*_VERSION], join_type="left semi")
    why = pc.coalesce(told["noise"], told["resolution"])
    counts = counted(pa.table({"why": why, "channel": told["channel"]}), "why", "channel")
    if wanted.category is None:
        counts |= _open(lake_dir, closed, wanted)
    found = [Unpaired(why=w, channel=c, conversations=n) for (w, c), n in counts.items()]
    return tuple(sorted(found, key=lambda u: (-u.conversations, u.why, u.channel)))


def _open(lake_dir: str, closed: pa.Table, wanted: Filter) -> dict[Any, int]:
    said = (pc.field("verdict") == "accepted") & pc.field("outcome").is_null()
    where = _of_channel(wanted, _and(said, wanted.within("ingested_at")))
    turns = table_of(lake_dir, TURNS, columns=["conversation_id", "channel"], where=where)
    once = turns.drop_null().group_by(["conversation_id", "channel"]).aggregate([])
    still = once.join(closed.select(["conversation_id"]), "conversation_id", join_type="left anti")
    return {(OPEN, channel): n for (channel,), n in counted(still, "channel").items()}


def _of_channel(wanted: Filter, where: Any) -> Any:
    is_asked = wanted.channel is not None
    return _and(where, pc.field("channel") == wanted.channel) if is_asked else where


def _and(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return one & other
