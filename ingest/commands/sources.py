"""The verb for sources: list the kinds, try one (test), publish from one (run).

`run` writes the raw topics through a publisher and keeps its position under `ingest.state_dir`.
"""

import sys
from argparse import Namespace
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.errors import ConfigError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from ingest.commands.output import print_json, progress
from ingest.contract import Limits
from ingest.positions import locked
from ingest.run import Pace, Ran, run_source
from ingest.sampling import MappedField, Sample, shown, take_sample
from ingest.sources import SOURCES, webhook
from ingest.sources.config import SourceFile, load_source
from ingest.spooled import publisher_for


def source_verb(settings: Settings, arguments: Namespace) -> int:
    """List the kinds of sources, or test or run the source of a file."""
    if arguments.action == "list":
        return _list(is_json=arguments.json)
    if not arguments.file:
        raise ConfigError(
            f"source {arguments.action} needs a source file; see docs/ingest.md#connect-a-source"
        )
    source = load_source(
        Path(arguments.file).absolute(), tenant=settings.pipeline.tenant, kafka=settings.kafka
    )
    return (_test if arguments.action == "test" else _run)(settings, arguments, source)


def _list(*, is_json: bool) -> int:
    kinds: dict[str, dict[str, Any]] = {
        kind: {
            "channel": source.channel,
            "about": source.about,
            "options": {f.name: f.metadata["doc"] for f in fields(source.options)},
            "facts": dict(source.facts),
        }
        for kind, source in SOURCES.items()
    }
    kinds[webhook.KIND] = {
        "channel": "chat, call, outcome",
        "about": webhook.ABOUT,
        "options": {f.name: f.metadata["doc"] for f in fields(webhook.WebhookOptions)},
        "facts": {},
    }
    if is_json:
        print_json(kinds)
        return 0
    table = Table("kind", "channel", "what it reads", "options")
    for kind, facts in kinds.items():
        table.add_row(kind, facts["channel"], facts["about"], ", ".join(facts["options"]))
    Console().print(table)
    return 0


def _test(settings: Settings, arguments: Namespace, source: SourceFile) -> int:
    if arguments.sample < 1:
        raise ConfigError(f"--sample must be at least 1, got {arguments.sample}")
    limits = Limits.of(settings.transforms)
    sample = take_sample(source, arguments.sample, limits=limits, now=datetime.now(UTC))
    if arguments.json:
        print_json(_as_json(sample, with_values=arguments.values))
    else:
        _print_sample(source, sample, with_values=arguments.values)
    return 1 if sample.rejected else 0


def _as_json(sample: Sample, *, with_values: bool) -> dict[str, Any]:
    def row(f: MappedField) -> dict[str, Any]:
        return {**asdict(f), "example": shown(f.example, with_values=with_values)}

    return {
        "records": sample.records,
        "fields": [row(f) for f in sample.fields],
        "not_carried": [row(f) for f in sample.not_carried],
        "rejected": [asdict(r) for r in sample.rejected],
    }


def _print_sample(source: SourceFile, sample: Sample, *, with_values: bool) -> None:
    console = Console()
    table = Table()
    for title in ("our field", "from", "filled", "example", "problem"):
        table.add_column(title, overflow="fold")
    for f in (*sample.fields, *sample.not_carried):
        table.add_row(
            f.canonical or "(not carried)",
            f.source or "(nothing)",
            f"{f.filled} of {sample.records}",
            shown(f.example, with_values=with_values),
            f.problem or "",
        )
    console.print(table)
    if sample.rejected:
        table = Table("rejected", "reason", "field", "why")
        for rejected in sample.rejected:
            for problem in rejected.problems:
                table.add_row(rejected.origin, problem.reason, problem.field, problem.detail)
        console.print(table)
    good = sample.records - len(sample.rejected)
    print(f"{source.name}: {sample.records} records, {good} good, {len(sample.rejected)} rejected")
    if not with_values and sample.records:
        print("values are hidden, because they may be personal; --values shows them")


def _run(settings: Settings, arguments: Namespace, source: SourceFile) -> int:
    if arguments.rate is not None and arguments.rate <= 0:
        raise ConfigError(f"--rate must be above 0 events a second, got {arguments.rate:g}")
    stop = stop_event()
    with (
        locked(Path(settings.ingest.state_dir), source.name, source.kind) as position,
        progress(None, is_quiet=arguments.json) as advance,
    ):
        announce_ready(source=source.name)
        ran = run_source(
            source,
            lambda: publisher_for(settings, is_spooled=source.is_spooled, name=source.name),
            position,
            pace=Pace(rate_per_s=arguments.rate, is_following=not arguments.once),
            stop=stop,
            progress=advance,
        )
    return _told(source, ran, is_json=arguments.json)


def _told(source: SourceFile, ran: Ran, *, is_json: bool) -> int:
    if is_json:
        failure = str(ran.failure) if ran.failure else None
        print_json({"source": source.name, **vars(ran), "failure": failure})
    else:
        print(
            f"{source.name}: {ran.sent} events sent, {ran.acknowledged} acknowledged,"
            f" {ran.refused} refused, {ran.unsettled} to be sent again,"
            f" {ran.interruptions} interruptions in {ran.elapsed_s:.1f} s"
        )
    for error in ran.errors:
        print(f"ingest source: {error}", file=sys.stderr)
    if ran.failure:
        raise ran.failure
    return 1 if ran.refused else 0
