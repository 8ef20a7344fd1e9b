"""The long-running job of the stage, and the verb that prints its rules.

Reads `examples` and `conversations`; writes `validated_examples` through the gate, `snapshots`
through the window watcher, and the timeline.
"""

import argparse
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from rich.console import Console
from rich.table import Table

from deskwheel import lake
from deskwheel.errors import ServiceError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, VALIDATED
from transforms.session import incarnation, spark_session
from validate.gate import QUERY_NAME, Judged, compile_gate, start
from validate.snapshot import freeze_claimed, watch_windows
from validate.suite import describe

POLL_S = 0.5
SPIKE = "QUARANTINE_SPIKE"


def watch(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `watch`: judge examples and freeze claimed windows, until a signal or once (`--once`).

    Waits for the tables that transforms creates. May be killed at any moment: a batch is
    committed once, and a window that was claimed stays claimed until it is frozen.

    Raises:
        LineageError: the stream checkpoint does not continue `validated_examples`.
        ServiceError: the query ended by itself.
    """
    stop = stop_event()
    if arguments.once and not _has_inputs(settings):
        print(f"nothing to judge: {settings.pipeline.lake} has no {EXAMPLES.name} yet")
        return 0
    spark = spark_session(
        "deskwheel-validate",
        driver_memory=settings.validate.driver_memory,
        master=settings.transforms.master,
    )
    state = State(settings.pipeline.state_url)
    try:
        if arguments.once:
            judge_once(spark, settings, state)
        else:
            serve(spark, settings, state, stop)
    finally:
        spark.stop()
        state.close()
    return 0


def judge_once(spark: SparkSession, settings: Settings, state: State) -> None:
    """Judge what `examples` holds now, then freeze the claimed windows."""
    start_gate(spark, settings, state, interval_s=None).awaitTermination()
    freeze_claimed(settings, state, now=_now())


def serve(spark: SparkSession, settings: Settings, state: State, stop: threading.Event) -> None:
    """Judge and freeze until `stop` is set.

    Raises:
        ServiceError: the query ended by itself.
    """
    with ThreadPoolExecutor(1, "windows") as pool:
        windows = pool.submit(watch_windows, settings, state, stop, now=_now)
        try:
            while not _has_inputs(settings):
                if stop.wait(POLL_S):
                    return
            query = start_gate(spark, settings, state, interval_s=settings.validate.interval_s)
            announce_ready(queries=[query.name])
            while not stop.wait(POLL_S):
                _check(query, windows)
            with suppress(Exception):
                query.stop()
        finally:
            stop.set()


def start_gate(
    spark: SparkSession, settings: Settings, state: State, *, interval_s: float | None
) -> StreamingQuery:
    """The running query of the gate, which reports its batches to the timeline.

    Raises:
        LineageError: the stream checkpoint does not continue `validated_examples`.
    """
    lake_dir = lake.ensure(settings.pipeline.lake, VALIDATED).parent
    checkpoint = Path(settings.transforms.checkpoint_dir).absolute() / QUERY_NAME
    gate = compile_gate(
        spark,
        settings,
        app_id=incarnation(lake_dir, VALIDATED, checkpoint, QUERY_NAME),
        now=_now,
        report=partial(report_to, state, settings.pipeline.name),
    )
    return start(spark, gate, checkpoint, interval_s=interval_s)


def rules(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verb `suite`: print every rule with its threshold and source."""
    rows = describe(settings.validate)
    if arguments.json:
        print(json.dumps(rows))
        return 0
    table = Table("id", "scope", "severity", "what", "threshold", "source")
    for row in rows:
        table.add_row(*[row[str(column.header)].replace("[", r"\[") for column in table.columns])
    Console().print(table)
    return 0


def report_to(state: State, pipeline: str, judged: Judged) -> None:
    """Put a batch on the timeline, and what it broke as a whole as entries of their own."""
    facts = {k: v for k, v in asdict(judged).items() if k != "batch_id"}
    state.record(pipeline, "validated", f"batch {judged.batch_id}", facts)
    for rule in judged.broken:
        kind = "quarantine_spike" if rule == SPIKE else "suite_warning"
        state.record(pipeline, kind, f"batch {judged.batch_id}", {"rule": rule, **facts})


def _has_inputs(settings: Settings) -> bool:
    tables = (EXAMPLES, CONVERSATIONS)
    return all(lake.current_version(settings.pipeline.lake, t) is not None for t in tables)


def _check(query: StreamingQuery, windows: Future[None]) -> None:
    if windows.done():
        windows.result()
    if not query.isActive:
        error = query.exception()
        cause = str(error).splitlines()[0] if error else "it stopped without an error"
        raise ServiceError(f"query {query.name} ended: {cause}")


def _now() -> datetime:
    return datetime.now(UTC)
