"""The long-running job of the stage.

Reads `examples`, `conversations` and `repairs`; writes `validated_examples` through the gate,
`snapshots` through the window watcher, and the timeline.
"""

import argparse
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from deskwheel import lake
from deskwheel.errors import ServiceError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, REPAIRS, VALIDATED
from transforms.session import incarnation, spark_session
from validate.checkpoint import check_reading
from validate.drift import stored_baseline
from validate.gate import QUERY_NAME, Gate, compile_gate, start
from validate.mend import QUERY_NAME as REPAIRS_QUERY
from validate.mend import Mender, start_repairs
from validate.quarantine.told import tell
from validate.rules.kept import keep_suites
from validate.snapshots.freeze import freeze_claimed, watch_windows
from validate.suite import load_suites
from validate.told import tell_batch

POLL_S = 0.5


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
        compiler=settings.transforms.jvm_compiler,
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
    """Judge what `examples` holds now, apply the repairs, then freeze the claimed windows.

    Raises:
        LineageError: the stream checkpoint does not continue `validated_examples`.
        ServiceError: a query ended by an error.
    """
    gate, checkpoint = open_gate(spark, settings, state)
    _finish(start(spark, gate, checkpoint, interval_s=None))
    if _has_repairs(settings):
        _finish(apply_repairs(spark, settings, state, gate, interval_s=None))
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
            interval_s = settings.validate.interval_s
            gate, checkpoint = open_gate(spark, settings, state)
            queries = [start(spark, gate, checkpoint, interval_s=interval_s)]
            announce_ready(queries=[q.name for q in queries])
            while not stop.wait(POLL_S):
                _check(queries, windows)
                if len(queries) == 1 and _has_repairs(settings):
                    queries.append(
                        apply_repairs(spark, settings, state, gate, interval_s=interval_s)
                    )
            for query in queries:
                with suppress(Exception):
                    query.stop()
        finally:
            stop.set()


def open_gate(spark: SparkSession, settings: Settings, state: State) -> tuple[Gate, Path]:
    """The gate with the suite in force, and the stream checkpoint that it continues.

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
        report=partial(tell_batch, state, settings.pipeline.name),
        baseline=stored_baseline(state, settings.pipeline.name),
    )
    check_reading(lake_dir, checkpoint, gate.app_id)
    keep_suites(state, settings.pipeline.name, load_suites(settings.validate))
    return gate, checkpoint


def apply_repairs(
    spark: SparkSession, settings: Settings, state: State, gate: Gate, *, interval_s: float | None
) -> StreamingQuery:
    """The running query that applies repairs, and tells each on the timeline.

    Raises:
        LineageError: its stream checkpoint does not continue `validated_examples`.
    """
    lake.ensure(settings.pipeline.lake, REPAIRS)
    checkpoint = Path(settings.transforms.checkpoint_dir).absolute() / REPAIRS_QUERY
    mender = Mender(
        gate=gate,
        app_id=incarnation(gate.lake_dir, VALIDATED, checkpoint, REPAIRS_QUERY),
        report=partial(tell, state, settings.pipeline.name),
    )
    check_reading(gate.lake_dir, checkpoint, mender.app_id)
    return start_repairs(spark, mender, checkpoint, interval_s=interval_s)


def _has_inputs(settings: Settings) -> bool:
    tables = (EXAMPLES, CONVERSATIONS)
    return all(lake.current_version(settings.pipeline.lake, t) is not None for t in tables)


def _has_repairs(settings: Settings) -> bool:
    return lake.current_version(settings.pipeline.lake, REPAIRS) is not None


def _check(queries: Sequence[StreamingQuery], windows: Future[None]) -> None:
    if windows.done():
        windows.result()
    for query in queries:
        if not query.isActive:
            raise _ended(query, query.exception())


def _finish(query: StreamingQuery) -> None:
    try:
        query.awaitTermination()
    except StreamingQueryException as error:
        raise _ended(query, error) from error


def _ended(query: StreamingQuery, error: Exception | None) -> ServiceError:
    cause = str(error).splitlines()[0] if error else "it stopped without an error"
    return ServiceError(
        f"query {query.name} ended: {cause}; the next start repeats the batch. If it ends"
        " again: docs/transforms.md#stream-checkpoints"
    )


def _now() -> datetime:
    return datetime.now(UTC)
