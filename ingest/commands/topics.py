"""Verbs that look at and set up the topics: topics, offsets, mirror."""

import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.settings import Settings
from ingest import mirror, offsets, topics
from ingest.commands.output import print_json
from ingest.topics import TopicPlan


def topics_verb(settings: Settings, arguments: Namespace) -> int:
    """Show what differs from the list of topics; with `apply`, mend it first.

    Exit status 1 only with `--check`, when something still differs at the end.
    """
    kafka = settings.kafka
    done = []
    if arguments.action == "apply":
        done = topics.apply(kafka, is_destructive_allowed=arguments.allow_destructive)
    plans, unlisted = topics.plan(kafka), topics.unlisted(kafka)
    if arguments.json:
        print_json(
            {
                "topics": [asdict(p) for p in plans],
                "done": [asdict(d) for d in done],
                "unlisted": unlisted,
            }
        )
    else:
        _show(plans, created={d.topic for d in done if d.change is None})
        for one in done:
            print(f"{one.topic}: {f'changed: {one.change}' if one.change else 'created'}")
        _explain(plans, is_applied=arguments.action == "apply")
        for name in unlisted:
            print(f"{name}: named like a topic of ours, on no list; left alone")
    return 1 if arguments.check and any(p.is_pending for p in plans) else 0


def offsets_verb(settings: Settings, arguments: Namespace) -> int:
    """Print begin and end offset of each topic-partition, and how far the streams have read."""
    found = offsets.offsets(settings.kafka)
    is_shown = arguments.groups or not arguments.json
    lags = offsets.lags(settings.kafka, found, mirror.groups(settings)) if is_shown else []
    if arguments.json:
        groups = [asdict(lag) for lag in lags]
        print_json({"offsets": found, "groups": groups} if arguments.groups else found)
        return 0
    table = Table("topic", "partition", "begin", "end", "events", "read to", "lag")
    by_place = {(lag.topic, lag.partition): lag for lag in lags}
    for topic, partitions in found.items():
        for partition, (begin, end) in partitions.items():
            lag = by_place.get((topic, partition))
            read = (str(lag.committed), str(lag.lag)) if lag else ("", "")
            table.add_row(topic, str(partition), str(begin), str(end), str(end - begin), *read)
    Console().print(table)
    for group in dict.fromkeys(lag.group for lag in lags):
        print(f"{group}: {sum(lag.lag for lag in lags if lag.group == group)} events not read yet")
    return 0


def mirror_verb(settings: Settings, arguments: Namespace) -> int:
    """Copy the streams' progress into consumer groups, once or until a signal."""
    if arguments.once:
        moved = mirror.mirror(settings)
        if arguments.json:
            print_json([asdict(m) for m in moved])
        else:
            _tell(moved)
        return 0
    mirror.follow(settings, tell=_tell)
    return 0


def _tell(moved: Iterable[Any]) -> None:
    for m in moved:
        place = f"{m.group} {m.topic}/{m.partition}"
        print(f"{place}: {m.before} -> {m.after}" + (f" ({m.note})" if m.note else ""), flush=True)


def _show(plans: Iterable[TopicPlan], *, created: set[str]) -> None:
    table = Table("topic", "writer", "partitions", "retention", "compression", "state")
    for p in plans:
        state = "created" if p.name in created else "missing" if p.is_missing else "exists"
        days = f"{p.retention_ms / 86_400_000:g} d"
        facts = (p.name, p.writer, str(p.partitions), days, p.compression)
        table.add_row(*facts, "; ".join((state, *p.differences)))
    Console().print(table)


def _explain(plans: Iterable[TopicPlan], *, is_applied: bool) -> None:
    """Say what `apply` would do, or what it has refused to."""
    out = sys.stderr if is_applied else sys.stdout
    for p in plans:
        if p.is_missing:
            print(f"{p.name}: would be created", file=out)
        for change in p.changes:
            if change.risk is None:
                print(f"{p.name}: would change {change}", file=out)
            elif change.is_possible:
                print(
                    f"{p.name}: refused without --allow-destructive: {change}; {change.risk}",
                    file=out,
                )
            else:
                print(f"{p.name}: not possible: {change}; {change.risk}", file=out)
