"""The topics of `deskwheel.topics` on the brokers: what is missing, what differs, mend it.

Writes no event. Creating and mending are safe to repeat and safe for two callers at once. What
could lose events or their order is refused unless it is asked for; topics that are not on the
list are never touched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource
from kafka.errors import InvalidPartitionsError, TopicAlreadyExistsError

from deskwheel.errors import ServiceError
from deskwheel.settings import KafkaSettings
from deskwheel.topics import DEAD_LETTERS, RAW, TOPICS, Topic
from ingest.brokers import administration

PARTITIONS = "partitions"
OURS = (RAW[0].name.partition(".")[0] + ".", "deskwheel.")
"""How the names of our topics begin; feedback's dead letters end as all dead letters do."""

_NO_CHOICE = -1
"""Lets the broker choose, here its default replication factor."""
_FOREVER = -1
"""`retention.ms` of a topic that keeps everything."""
_DEAD_LETTER_END = "." + DEAD_LETTERS[0].name.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One setting of an existing topic that is not as listed."""

    setting: str
    current: str
    wanted: str
    risk: str | None = None
    """What the change may cost; None where it is harmless."""
    is_possible: bool = True

    def __str__(self) -> str:
        """`name: is X, should be Y`, for a table."""
        return f"{self.setting}: is {self.current}, should be {self.wanted}"


@dataclass(frozen=True, kw_only=True)
class TopicPlan:
    """One topic and what stands between it and the list in `deskwheel.topics`."""

    name: str
    writer: str
    partitions: int
    retention_ms: int
    compression: str
    is_missing: bool
    changes: tuple[Change, ...] = ()

    @property
    def differences(self) -> tuple[str, ...]:
        """The changes as sentences."""
        return tuple(str(change) for change in self.changes)

    @property
    def is_pending(self) -> bool:
        """Whether the topic is not yet as listed."""
        return self.is_missing or bool(self.changes)


@dataclass(frozen=True, kw_only=True)
class Done:
    """One thing that `apply` did: a topic created, or one of its settings changed."""

    topic: str
    change: Change | None = None
    """None: the topic was created."""


def broker_settings(topic: Topic) -> dict[str, str]:
    """Return the settings a topic is created with.

    LogAppendTime makes the record timestamp the broker's own, so that no producer can date an
    event into the future. Source: KIP-32.
    """
    return {
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_message_bytes),
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": "delete",
        "compression.type": topic.compression,
    }


def plan(settings: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> list[TopicPlan]:
    """Return for every topic whether it is missing or differs; changes nothing.

    Raises:
        ServiceError: no broker answers.
    """
    with administration(settings) as admin:
        return _plan(admin, topics)


def unlisted(settings: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Return the brokers' topics that are named like ours and are on no list of ours."""
    listed = {t.name for t in (*topics, *TOPICS)}
    with administration(settings) as admin:
        names = sorted(t["name"] for t in admin.describe_topics())
    return [
        name
        for name in names
        if name not in listed and (name.startswith(OURS) or name.endswith(_DEAD_LETTER_END))
    ]


def compare(topic: Topic, *, partitions: int | None, stated: Mapping[str, str]) -> TopicPlan:
    """Return the plan of one topic from what the broker says; `partitions` None: no such topic."""
    changes = [
        Change(
            setting=name,
            current=stated[name],
            wanted=value,
            risk=_RISKS[name](stated[name], value) if name in _RISKS else None,
        )
        for name, value in broker_settings(topic).items()
        if name in stated and stated[name] != value
    ]
    if partitions is not None and partitions != topic.partitions:
        changes.insert(0, _partition_change(partitions, topic.partitions))
    return TopicPlan(
        name=topic.name,
        writer=topic.writer,
        partitions=topic.partitions if partitions is None else partitions,
        retention_ms=topic.retention_ms,
        compression=topic.compression,
        is_missing=partitions is None,
        changes=tuple(changes),
    )


def apply(
    settings: KafkaSettings,
    topics: Sequence[Topic] = TOPICS,
    *,
    is_destructive_allowed: bool = False,
) -> list[Done]:
    """Create the missing topics, change what may be changed, and return what was done.

    Returns when every topic has a leader for each partition. A second caller at the same time
    finds things done, or does the same once more.

    Args:
        settings: where the brokers are.
        topics: the list to come to.
        is_destructive_allowed: also make the changes that have a risk.

    Raises:
        ServiceError: no broker answers, or it refuses a change.
    """
    done: list[Done] = []
    by_name = {t.name: t for t in topics}
    with administration(settings) as admin:
        plans = _plan(admin, topics)
        for planned in plans:
            if planned.is_missing:
                if _create(admin, by_name[planned.name]):
                    done.append(Done(topic=planned.name))
                continue
            chosen = [
                change
                for change in planned.changes
                if change.is_possible and (is_destructive_allowed or change.risk is None)
            ]
            done += _change(admin, planned.name, chosen)
        if any(p.is_pending for p in plans):
            admin.wait_for_topics([t.name for t in topics])
    return done


def _plan(admin: Any, topics: Sequence[Topic]) -> list[TopicPlan]:
    existing = {t["name"]: t for t in admin.describe_topics()}
    known = [t.name for t in topics if t.name in existing]
    stated = _stated(admin, known) if known else {}
    return [
        compare(
            topic,
            partitions=len(existing[topic.name]["partitions"]) if topic.name in existing else None,
            stated=stated.get(topic.name, {}),
        )
        for topic in topics
    ]


def _create(admin: Any, topic: Topic) -> bool:
    request = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": _NO_CHOICE,
            "configs": broker_settings(topic),
        }
    }
    try:
        admin.create_topics(request)
    except TopicAlreadyExistsError:
        return False
    return True


def _change(admin: Any, topic: str, changes: Sequence[Change]) -> list[Done]:
    done = []
    settings = {c.setting: c.wanted for c in changes if c.setting != PARTITIONS}
    if settings:
        # Incremental (KIP-339): the older call would reset what an operator set by hand.
        answered = admin.alter_configs([ConfigResource("topic", topic, settings)], incremental=True)
        if (answer := answered["topic"][topic]) != "OK":
            raise ServiceError(f"topic {topic}: the brokers refuse {settings}: {answer}")
    for change in changes:
        if change.setting == PARTITIONS:
            try:
                admin.create_partitions({topic: int(change.wanted)})
            except InvalidPartitionsError:  # another caller has added them meanwhile
                continue
        done.append(Done(topic=topic, change=change))
    return done


def _partition_change(current: int, wanted: int) -> Change:
    if wanted < current:
        return Change(
            setting=PARTITIONS,
            current=str(current),
            wanted=str(wanted),
            risk="Kafka cannot take partitions away: publish to a new topic and delete this one"
            " when it is read",
            is_possible=False,
        )
    return Change(
        setting=PARTITIONS,
        current=str(current),
        wanted=str(wanted),
        risk="a key may move to another partition, so open conversations can lose their order:"
        " do it while nothing is published and the streams have read everything",
    )


def _retention_risk(current: str, wanted: str) -> str | None:
    now, then = int(current), int(wanted)
    if then == _FOREVER or _FOREVER != now <= then:
        return None
    return "events older than the new retention are deleted at once, read or not"


def _size_risk(current: str, wanted: str) -> str | None:
    if int(wanted) >= int(current):
        return None
    return "events that were taken until now are refused"


def _policy_risk(current: str, wanted: str) -> str | None:
    return f"cleanup under {wanted!r} deletes other events than under {current!r}"


_RISKS: dict[str, Callable[[str, str], str | None]] = {
    "retention.ms": _retention_risk,
    "max.message.bytes": _size_risk,
    "cleanup.policy": _policy_risk,
}
"""Setting → what changing it from one value to another may cost; others cost nothing."""


def _stated(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource("topic", name) for name in names]
    described = admin.describe_configs(resources, config_filter="all")
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in described["topic"].items()
    }
