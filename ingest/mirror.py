"""How far the streams have read, as offsets of consumer groups that ordinary lag tools show.

Reads the commits of `turns` and `feedback` without a JVM; writes no event, only the offsets of
the groups `deskwheel.PIPELINE.turns` and `deskwheel.PIPELINE.feedback`. Nothing of ours reads
these offsets: the streams go by their own checkpoints.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from deskwheel import lake
from deskwheel.errors import ServiceError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from deskwheel.tables import FEEDBACK, TURNS, Table
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC
from deskwheel.topics import RAW
from ingest.brokers import administration
from ingest.offsets import Offsets, coordinated, group_offsets, offsets

STREAMS: dict[Table, tuple[str, ...]] = {
    TURNS: tuple(t.name for t in RAW),
    FEEDBACK: (FEEDBACK_TOPIC.name,),
}
"""Table → the topics that its stream reads."""

REFRESH_S = 3600.0
"""Brokers forget the offsets of a group without members after `offsets.retention.minutes`, a week
by default: those of a quiet stream are written again once an hour."""

Progress = dict[tuple[str, int], int]
"""(topic, partition) → offset after the last event that the table holds."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One partition of a group: where it stood, where it stands now, and why if that is odd."""

    group: str
    topic: str
    partition: int
    before: int | None
    """None: the group knew nothing of the partition."""
    after: int | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a table's commits say: which life of its stream wrote them, and how far it came."""

    app: str
    ends: Progress


def group_of(settings: Settings, table: Table) -> str:
    """The consumer group that stands for the stream of a table."""
    return f"deskwheel.{settings.pipeline.name}.{table.name}"


def groups(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Group → the topics it reads."""
    return {group_of(settings, table): names for table, names in STREAMS.items()}


def mirror(settings: Settings, *, is_forced: bool = True) -> list[Moved]:
    """Bring both groups up to their tables and return what was moved or could not be.

    Args:
        settings: where brokers and tables are, and the pipeline's name.
        is_forced: write offsets that stand right already, so that the brokers keep them.

    Raises:
        ServiceError: no broker answers.
    """
    kept = offsets(settings.kafka)
    moved: list[Moved] = []
    for table in STREAMS:
        reading = progress(settings, table, kept)
        if reading is not None:
            moved += _write(settings, group_of(settings, table), reading, kept, is_forced)
    return moved


def follow(settings: Settings, *, tell: Callable[[Sequence[Moved]], None]) -> None:
    """Mirror every `ingest.mirror_interval_s` until a signal; an unreachable broker is waited for.

    Args:
        settings: see `mirror`.
        tell: gets what is out of the ordinary, each thing once until it changes.
    """
    stop = stop_event()
    interval_s = settings.ingest.mirror_interval_s
    announce_ready()
    said: set[Moved] = set()
    since_refresh_s = REFRESH_S
    while not stop.is_set():
        is_forced = since_refresh_s >= REFRESH_S
        try:
            odd = {m for m in mirror(settings, is_forced=is_forced) if m.note}
        except ServiceError as error:
            print(f"ingest mirror: {error}; trying again in {interval_s:g} s", flush=True)
        else:
            tell([m for m in odd if m not in said])
            said = odd
            since_refresh_s = 0.0 if is_forced else since_refresh_s + interval_s
        stop.wait(interval_s)


def progress(settings: Settings, table: Table, kept: Offsets) -> Reading | None:
    """Return how far a table goes in the partitions that Kafka has; None before its first batch.

    The newest commits are read first, and only as many as name every partition with events.
    """
    wanted = {
        (topic, partition)
        for topic in STREAMS[table]
        for partition, (_, end) in kept.get(topic, {}).items()
        if end > 0
    }
    app = ""
    ends: Progress = {}
    for commit in lake.newest_commits(settings.pipeline.lake, table):
        if "ranges" not in commit:
            continue
        app = app or str(commit.get("app", ""))
        if commit.get("app") != app:
            break  # an earlier life of the stream, over topics that may have been others
        for place, (_, end) in commit["ranges"].items():
            topic, _, partition = place.rpartition("/")
            key = (topic, int(partition))
            ends[key] = max(end, ends.get(key, 0))
        if wanted <= ends.keys():
            break
    return Reading(app=app, ends=ends) if app else None


def _write(
    settings: Settings, group: str, reading: Reading, kept: Offsets, is_forced: bool
) -> list[Moved]:
    with administration(settings.kafka) as admin:
        stored = group_offsets(admin, group)
        moves = [
            _move(group, place, end, stored.get(TopicPartition(*place)), reading.app, kept)
            for place, end in sorted(reading.ends.items())
        ]
        wanted = {
            TopicPartition(m.topic, m.partition): OffsetAndMetadata(m.after, reading.app, None)
            for m in moves
            if m.after is not None and (is_forced or m.after != m.before)
        }
        refused = (
            _refused(coordinated(lambda: admin.alter_group_offsets(group, wanted)))
            if wanted
            else {}
        )
    return [
        Moved(
            group=m.group,
            topic=m.topic,
            partition=m.partition,
            before=m.before,
            after=m.before,
            note=f"the brokers refuse: {refused[m.topic, m.partition]}; does a consumer use the"
            " group?",
        )
        if (m.topic, m.partition) in refused
        else m
        for m in moves
        if m.note or m.after != m.before or (m.topic, m.partition) in refused
    ]


def _move(
    group: str, place: tuple[str, int], end: int, stored: Any, app: str, kept: Offsets
) -> Moved:
    """Where a partition should stand; `after` None where it must stay as it is."""
    topic, partition = place
    before = None if stored is None or stored.offset < 0 else int(stored.offset)
    after: int | None = end
    note = ""
    last = kept.get(topic, {}).get(partition)
    if last is None:
        after, note = None, "the table has events of a partition that Kafka does not have"
    elif end > last[1]:
        after, note = None, f"the table goes to {end}, Kafka to {last[1]}: was the topic made anew?"
    elif before is not None and end < before:
        if stored.metadata == app:
            after, note = None, f"the table says {end}, which is behind; an offset never goes back"
        else:
            note = "goes back: the table was begun anew"
    return Moved(
        group=group, topic=topic, partition=partition, before=before, after=after, note=note
    )


def _refused(answers: Mapping[Any, Any]) -> dict[tuple[str, int], str]:
    return {
        (place.topic, place.partition): error.__name__
        for place, error in answers.items()
        if getattr(error, "errno", 0) != 0
    }
