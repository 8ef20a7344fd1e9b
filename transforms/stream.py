"""The streaming job: Kafka to turns, conversations and examples, and outcomes to feedback.

Four queries of one Spark session, each with its own stream checkpoint; any of them may be
killed at any moment. One query's failure ends the process, and its supervisor starts it again.
"""

import argparse
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from deskwheel.errors import ServiceError, SetupError
from deskwheel.service import announce_ready, stop_event
from deskwheel.settings import Settings
from transforms.conversations import NAME as CONVERSATIONS
from transforms.conversations import catch_up, start_conversations
from transforms.handover import Handover
from transforms.intake import start_intake
from transforms.intakes import FEEDBACK_INTAKE, TURNS_INTAKE
from transforms.mining import start_mining
from transforms.session import spark_session

_PROBE_TIMEOUT_S = 5.0


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the job until a signal, or once over what is there now (`--once`).

    Raises:
        ServiceError: no broker answers, or a query failed.
        LineageError: a stream checkpoint does not continue its table.
    """
    check_broker(settings.kafka.bootstrap)
    secret = read_secret(settings)
    spark = spark_session(
        "deskwheel-transforms",
        driver_memory=settings.transforms.driver_memory,
        master=settings.transforms.master,
        compiler=settings.transforms.jvm_compiler,
    )
    if arguments.once:
        run_once(spark, settings, secret)
        return 0
    stop = stop_event()
    running = start_all(spark, settings, secret)
    announce_ready(queries=[q.name for q in running.queries])
    logged: dict[str, int] = {}
    while not stop.wait(1.0):
        _check(running.queries)
        _log_progress(running, logged)
    running.stop()
    spark.stop()
    return 0


@dataclass(frozen=True)
class Running:
    """The queries of the job, those that write before those that read."""

    queries: Sequence[StreamingQuery]
    handover: Handover

    def stop(self) -> None:
        """Stop all, the readers first; a micro-batch that this breaks off is repeated."""
        self.handover.end()
        for query in reversed(self.queries):
            with suppress(Exception):
                query.stop()


def start_all(spark: SparkSession, settings: Settings, secret: bytes) -> Running:
    """Start the four queries."""
    handover = Handover(settings.transforms.interval_s)
    queries = [
        start_intake(spark, settings, TURNS_INTAKE, secret, written=handover.tell),
        start_conversations(spark, settings, secret, handover=handover),
        start_mining(spark, settings),
        start_intake(spark, settings, FEEDBACK_INTAKE, secret),
    ]
    return Running(queries, handover)


def run_once(spark: SparkSession, settings: Settings, secret: bytes) -> None:
    """Read what is in the topics now through every stage, in order, and stop.

    A conversation whose idle time is not over stays open for the next call.
    """
    start_intake(spark, settings, TURNS_INTAKE, secret, once=True).awaitTermination()
    catch_up(start_conversations(spark, settings, secret, once=True))
    start_mining(spark, settings, once=True).awaitTermination()
    start_intake(spark, settings, FEEDBACK_INTAKE, secret, once=True).awaitTermination()


def read_secret(settings: Settings) -> bytes:
    """The HMAC key for customers' ids.

    Raises:
        SetupError: the key's file is missing.
    """
    path = Path(settings.pipeline.secrets_dir) / "subject_key"
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        raise SetupError(
            f"{path}: no such file; `deskwheel up` makes it, or write 32 random bytes in hex to it"
        ) from None


def check_broker(bootstrap: str) -> None:
    """Refuse to start without a broker: the Kafka source would wait for minutes in silence.

    Raises:
        ServiceError: none of the bootstrap servers accepts a connection.
    """
    for server in bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        with suppress(OSError), socket.create_connection((host, int(port)), _PROBE_TIMEOUT_S):
            return
    raise ServiceError(f"no Kafka broker answers at {bootstrap}; start it, or set kafka.bootstrap")


def _log_progress(running: Running, logged: dict[str, int]) -> None:
    """One line for the newest batch of each query that had rows and is not logged yet."""
    for query in running.queries:
        progress = query.lastProgress
        if not progress or not progress["numInputRows"]:
            continue
        if logged.get(query.name) != progress["batchId"]:
            logged[query.name] = progress["batchId"]
            seconds = progress["durationMs"]["triggerExecution"] / 1000
            if query.name == CONVERSATIONS:
                seconds -= running.handover.waited_s(progress["batchId"])
            rows = progress["numInputRows"]
            print(f"{query.name} batch {progress['batchId']}: {rows} rows in {seconds:.1f} s")


def _check(queries: Sequence[StreamingQuery]) -> None:
    for query in queries:
        if query.isActive:
            continue
        error: StreamingQueryException | None = query.exception()
        cause = str(error).splitlines()[0] if error else "it stopped without an error"
        raise ServiceError(f"query {query.name} ended: {cause}")
