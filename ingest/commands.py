"""What the verbs of `python -m ingest` do and print. Writes the raw topics through a publisher.

Exit status 1 when an event was not acknowledged.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deskwheel.errors import ConfigError
from deskwheel.records import Event
from deskwheel.service import stop_event
from deskwheel.settings import Settings
from ingest import dead_letters, offsets, topics
from ingest.envelope import parsed_time
from ingest.publish import Publisher
from ingest.replay import play, read_folder, write_folder
from ingest.simulate import simulate, span
from ingest.sources import SOURCES

MAX_MESSINESS = 2.0


def topics_verb(settings: Settings, arguments: Namespace) -> int:
    """Create missing topics (not with `--plan`) and print the list."""
    plans = topics.plan(settings.kafka)
    created = [] if arguments.plan else topics.apply(settings.kafka)
    if arguments.json:
        _print_json([{**asdict(p), "is_created": p.name in created} for p in plans])
        return 0
    table = Table("topic", "writer", "partitions", "retention", "state")
    for p in plans:
        state = "created" if p.name in created else "missing" if p.is_missing else "exists"
        days = f"{p.retention_ms / 86_400_000:g} d"
        table.add_row(p.name, p.writer, str(p.partitions), days, "; ".join((state, *p.differences)))
    Console().print(table)
    return 0


def publish_verb(settings: Settings, arguments: Namespace) -> int:
    """Publish the raw material of a path."""
    source = SOURCES[arguments.source]
    tenant = settings.pipeline.tenant
    events = source.read(Path(arguments.path), tenant=tenant, now=datetime.now(UTC))
    return _play(settings, arguments, events, None)


def replay_verb(settings: Settings, arguments: Namespace) -> int:
    """Publish a recorded folder; lines that are no event go to standard error."""
    bad: list[str] = []

    def report(problem: str) -> None:
        bad.append(problem)
        print(f"ingest replay: {problem}", file=sys.stderr)

    events = read_folder(Path(arguments.folder), tenant=settings.pipeline.tenant, report=report)
    return _play(settings, arguments, events, None, skipped_lines=bad)


def simulate_verb(settings: Settings, arguments: Namespace) -> int:
    """Publish simulated traffic, or write it to a folder with `--out`."""
    _check_simulation(arguments)
    count = arguments.conversations
    start = parsed_time(arguments.start) if arguments.start else datetime.now(UTC) - span(count)
    if start is None:
        raise ConfigError(
            f"--start {arguments.start}: write ISO 8601 with its zone, as 2026-04-01T08:00Z"
        )
    simulation = simulate(
        arguments.seed,
        count,
        start=start,
        messiness=arguments.messiness,
        tenant=settings.pipeline.tenant,
    )
    ledger = asdict(simulation.ledger)
    if not arguments.out:
        return _play(settings, arguments, simulation.events, len(simulation.events), ledger=ledger)
    folder = Path(arguments.out)
    written = write_folder(simulation.events, folder)
    (folder / "ledger.json").write_text(json.dumps(ledger, indent=1) + "\n", encoding="utf-8")
    if arguments.json:
        _print_json({"folder": str(folder), "written": written, "ledger": ledger})
    else:
        print(f"{written} events of {count} conversations in {folder}")
    return 0


def offsets_verb(settings: Settings, arguments: Namespace) -> int:
    """Print begin and end offset of each topic-partition."""
    found = offsets.offsets(settings.kafka)
    if arguments.json:
        _print_json(found)
        return 0
    table = Table("topic", "partition", "begin", "end", "events")
    for topic, partitions in found.items():
        for partition, (begin, end) in partitions.items():
            table.add_row(topic, str(partition), str(begin), str(end), str(end - begin))
    Console().print(table)
    return 0


def dlq_verb(settings: Settings, arguments: Namespace) -> int:
    """Print the dead letters of each topic by reason, and the newest of them."""
    listed = dead_letters.list_dead_letters(settings.kafka, limit=arguments.limit)
    if arguments.json:
        _print_json([asdict(t) for t in listed])
        return 0
    table = Table("topic", "count", "reasons")
    for t in listed:
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(t.reasons.items()))
        table.add_row(t.topic, str(t.count), reasons)
    Console().print(table)
    for letter in (letter for t in listed for letter in t.newest):
        facts = " ".join(f"{name}={value}" for name, value in letter.headers.items())
        print(f"{letter.topic}/{letter.partition}/{letter.offset} {letter.value_bytes} B {facts}")
    return 0


def _check_simulation(arguments: Namespace) -> None:
    if arguments.conversations < 0:
        raise ConfigError(f"--conversations must be ≥ 0, got {arguments.conversations}")
    if not 0 <= arguments.messiness <= MAX_MESSINESS:
        raise ConfigError(
            f"--messiness must be from 0 to {MAX_MESSINESS:g}, got {arguments.messiness:g}"
        )


def _play(
    settings: Settings,
    arguments: Namespace,
    events: Iterable[Event],
    total: int | None,
    **more: Any,
) -> int:
    if arguments.rate is not None and arguments.rate <= 0:
        raise ConfigError(f"--rate must be above 0 events a second, got {arguments.rate:g}")
    stop = stop_event()
    with (
        _progress(total, is_quiet=arguments.json) as advance,
        closing(Publisher(settings.kafka)) as out,
    ):
        played = play(events, out, rate_per_s=arguments.rate, progress=advance, stop=stop)
    if arguments.json:
        _print_json({**asdict(played), **more})
    else:
        print(
            f"{played.sent} events sent, {played.acknowledged} acknowledged, {played.failed} failed"
            f" in {played.elapsed_s:.1f} s"
        )
    for error in played.errors:
        print(f"ingest: {error}", file=sys.stderr)
    return 1 if played.failed else 0


@contextmanager
def _progress(total: int | None, *, is_quiet: bool) -> Iterator[Any]:
    console = Console(stderr=True)
    if is_quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("events", total=total)
        yield lambda sent: progress.update(task, completed=sent)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))
