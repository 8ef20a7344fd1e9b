"""A broker, the streaming job and paced traffic in one folder, for as long as a block lasts.

The job runs in this process by the function that `python -m transforms stream` calls, so that its
progress can be read; its JVM and Python workers are processes of their own, as always. Broker and
traffic are other processes.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from benchmarks.gateway.processes import Broker, Process, running
from deskwheel.settings import Settings
from transforms.session import spark_session
from transforms.stream import start_all

SECRET = b"benchmark"
INTAKE = "turns"
SEED = 1
"""Of the stories."""


class Traffic(Process):
    """`ingest simulate` at a steady rate for a time, or so many events as fast as it goes."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        *,
        rate_per_s: float | None = None,
        seconds: float | None = None,
        events: int | None = None,
    ) -> None:
        """Describe it; the stories are the same each time."""
        limits = {"--rate": rate_per_s, "--for": seconds, "--events": events}
        told = [word for flag, n in limits.items() if n is not None for word in (flag, str(n))]
        command = [
            sys.executable, "-m", "ingest", "simulate", "--seed", str(SEED), "--json", *told,
            "--set", f"kafka.bootstrap={json.dumps(bootstrap)}",
        ]  # fmt: skip
        super().__init__(command, folder / "traffic.log")


@dataclass(frozen=True)
class Job:
    """The running job."""

    settings: Settings
    spark: SparkSession
    queries: Sequence[StreamingQuery]
    broker: Broker

    def progress(self) -> dict[str, Mapping[str, Any]]:
        """Query → what Spark says of its newest micro-batch.

        Raises:
            RuntimeError: a query has failed.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for query in self.queries:
            if error := query.exception():
                raise RuntimeError(f"query {query.name} failed: {str(error)[:500]}")
            if newest := query.lastProgress:
                found[query.name] = newest
        return found


@contextmanager
def running_job(folder: Path, **transforms: Any) -> Iterator[Job]:
    """The job over an empty lake; keywords change the settings of `[transforms]`."""
    broker = Broker(folder / "kafka")
    whole = Settings()
    settings = replace(
        whole,
        pipeline=replace(whole.pipeline, lake=str(folder / "lake")),
        kafka=replace(whole.kafka, bootstrap=broker.bootstrap),
        transforms=replace(
            whole.transforms, checkpoint_dir=str(folder / "checkpoints"), **transforms
        ),
    )
    own = settings.transforms
    with running(broker):
        spark = spark_session(
            "deskwheel-benchmark", driver_memory=own.driver_memory, master=own.master,
            compiler=own.jvm_compiler,
        )  # fmt: skip
        try:
            running_queries = start_all(spark, settings, SECRET)
            yield Job(settings, spark, running_queries.queries, broker)
            running_queries.stop()
        finally:
            spark.stop()
