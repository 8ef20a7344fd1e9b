"""Verbs that publish what is there and say what became of it: publish, replay.

Writes the raw topics through a publisher. Exit status 1 when an event was not acknowledged.
"""

import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deskwheel.errors import ConfigError
from deskwheel.records import Event
from deskwheel.service import stop_event
from deskwheel.settings import Settings
from ingest.commands.output import print_json, progress
from ingest.envelope import able_to_travel
from ingest.publish import Publisher
from ingest.replay import Played, play, read_folder
from ingest.sources import SOURCES
from ingest.sources.model import Context


def publish_verb(settings: Settings, arguments: Namespace) -> int:
    """Publish the raw material of a path."""
    source = SOURCES[arguments.source]
    options = source.options(path=str(Path(arguments.path).absolute()))
    items = source.read(options, Context(tenant=settings.pipeline.tenant))
    return play_events(settings, arguments, (able_to_travel(i.event) for i in items), None)


def replay_verb(settings: Settings, arguments: Namespace) -> int:
    """Publish a recorded folder; lines that are no event go to standard error."""
    bad: list[str] = []

    def report(problem: str) -> None:
        bad.append(problem)
        print(f"ingest replay: {problem}", file=sys.stderr)

    events = read_folder(Path(arguments.folder), tenant=settings.pipeline.tenant, report=report)
    return play_events(settings, arguments, events, None, skipped_lines=bad)


def play_events(
    settings: Settings,
    arguments: Namespace,
    events: Iterable[Event],
    total: int | None,
    **more: Any,
) -> int:
    """Publish events at the pace asked for, say what became of them, return the exit status.

    Args:
        settings: where the brokers are.
        arguments: `rate` and `json` are read.
        events: in order of arrival.
        total: how many there are, where that is known.
        more: further facts for `--json`.

    Raises:
        ConfigError: the rate is not above 0.
    """
    if arguments.rate is not None and arguments.rate <= 0:
        raise ConfigError(f"--rate must be above 0 events a second, got {arguments.rate:g}")
    stop = stop_event()
    with (
        progress(total, is_quiet=arguments.json) as advance,
        closing(Publisher(settings.kafka)) as out,
    ):
        played = play(events, out, rate_per_s=arguments.rate, progress=advance, stop=stop)
    return tell(arguments, played, **more)


def tell(arguments: Namespace, played: Played, **more: Any) -> int:
    """Print what became of events that were played; 1 if one was not acknowledged, else 0."""
    if arguments.json:
        print_json({**asdict(played), **more})
    else:
        print(
            f"{played.sent} events sent, {played.acknowledged} acknowledged, {played.failed} failed"
            f" in {played.elapsed_s:.1f} s"
        )
    for error in played.errors:
        print(f"ingest: {error}", file=sys.stderr)
    return 1 if played.failed else 0
