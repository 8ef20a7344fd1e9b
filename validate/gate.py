"""The gate: every example gets exactly one row with its verdict in `validated_examples`.

Reads `examples` as a stream, `conversations` for newer versions, and its own table for copies;
writes `validated_examples` and one timeline entry a batch.

Promised: after any crash, replay or batch boundaries, each distinct example id of `examples` has
one row, and the verdicts are those of `validate.verdicts`. A batch is one Delta commit. A newer
conversation version supersedes older examples even when it yields none itself, in the first batch
after its row stands in `conversations`. Not promised: that `validated_at` of a row is its first
verdict's (a changed verdict is dated anew), or that a batch's table-wide rules run again in a
replay of a batch that was committed.

A batch costs one scan over three key columns of `validated_examples`; text is read once by the
rules and once by the write, and never reaches the driver.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery

from deskwheel import lake
from deskwheel.schema import arrow_schema
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, VALIDATED
from transforms.session import spark_schema, write_once
from validate.compile import broken_batch_rules, broken_rules, compile_rules
from validate.suite import BATCH_RULES, build_suite, suite_version
from validate.verdicts import Candidate, Decision, decide, decide_split

QUERY_NAME = "validated_examples"
MAX_FILES_PER_BATCH = 64
"""Transforms commits one file a batch: 64 keep the keys of a backfill's batch within the heap."""

STORED_KEYS = (
    "example_id", "conversation_id", "conversation_version", "content_hash", "sent_at", "verdict",
)  # fmt: skip
BATCH_KEYS = (
    "example_id", "conversation_id", "conversation_version", "content_hash", "sent_at", "tenant",
    "subject_key",
)  # fmt: skip

MERGE = """
MERGE INTO delta.`{path}` AS stored USING judged ON stored.example_id = judged.example_id
WHEN MATCHED AND judged.is_stored THEN UPDATE SET
  verdict = judged.verdict, reasons = judged.reasons, validated_at = judged.validated_at
WHEN NOT MATCHED AND NOT judged.is_stored THEN INSERT ({columns}) VALUES ({values})
"""


@dataclass(frozen=True)
class Judged:
    """What a batch did, for the timeline; no text."""

    batch_id: int
    version: int
    """Delta version of `validated_examples` after the batch."""
    verdicts: Mapping[str, int]
    """New rows and changed rows by verdict."""
    reasons: Mapping[str, int]
    changed: int
    """Rows of earlier batches whose verdict changed."""
    broken: tuple[str, ...]
    """Batch rules that the batch broke."""


@dataclass(frozen=True)
class Gate:
    """Judges micro-batches; call it with a frame and a batch id, as `foreachBatch` does."""

    lake_dir: Path
    settings: ValidateSettings
    rules: Mapping[str, Column]
    app_id: str
    """Transaction application id: of this stream and of this life of its checkpoint."""
    now: Callable[[], datetime]
    report: Callable[[Judged], None]

    def __call__(self, frame: DataFrame, batch_id: int) -> None:
        """Judge a batch and commit it once; the same batch id again commits nothing.

        Args:
            frame: rows of `examples`, and rows with `conversation_id` and
                `conversation_version` only, which tell of a newer version.
            batch_id: number of the batch, growing by one in a life of the stream checkpoint.
        """
        keys = self._keys(frame)
        incoming = [_candidate(k) for k in keys if k["example_id"] is not None]
        newest = self._newest(frame.sparkSession, keys)
        existing = self._stored(frame.sparkSession, incoming, newest)
        decisions = decide(existing, incoming, newest)
        if not decisions:
            return
        stored = {c.example_id for c in existing}
        judged = self._judged(frame, keys, decisions=decisions, stored=stored)
        counts = dict(Counter(str(d.verdict) for d in decisions.values()))
        metadata = {"app": self.app_id, "batch": batch_id, "counts": counts}
        changed = len(decisions.keys() & stored)
        if changed:
            self._merge(judged, batch_id, metadata)
        else:
            write_once(
                judged.drop("is_stored"), self.lake_dir, VALIDATED,
                app_id=self.app_id, batch_id=batch_id, metadata={"counts": counts},
            )  # fmt: skip
        self.report(
            Judged(
                batch_id=batch_id,
                version=lake.current_version(self.lake_dir, VALIDATED) or 0,
                verdicts=counts,
                reasons=dict(Counter(r for d in decisions.values() for r in d.reasons)),
                changed=changed,
                broken=self._broken(keys),
            )
        )

    def _keys(self, frame: DataFrame) -> list[dict[str, Any]]:
        """Keys and broken rules of every row; one job judges them all."""
        tagged = frame.select(*BATCH_KEYS, broken_rules(self.rules).alias("reasons"))
        return tagged.toArrow().to_pylist()

    def _newest(self, spark: SparkSession, keys: list[dict[str, Any]]) -> dict[str, int]:
        """Newest version of the batch's conversations, where it is above 1.

        A newer version may be known to `conversations` before the older one's examples come.
        """
        newest: dict[str, int] = {}
        for key in keys:
            if key["conversation_version"] > 1:
                previous = newest.get(key["conversation_id"], 1)
                newest[key["conversation_id"]] = max(previous, key["conversation_version"])
        if lake.current_version(self.lake_dir, CONVERSATIONS) is None:
            return newest
        wanted = _column(spark, "conversation_id", {k["conversation_id"] for k in keys})
        found = (
            spark.read.format("delta")
            .load(str(lake.table_path(self.lake_dir, CONVERSATIONS)))
            .where("version > 1")
            .select("conversation_id", "version")
            .join(F.broadcast(wanted), "conversation_id", "left_semi")
            .groupBy("conversation_id")
            .agg(F.max("version").alias("version"))
        )
        for row in found.toArrow().to_pylist():
            previous = newest.get(row["conversation_id"], 1)
            newest[row["conversation_id"]] = max(previous, row["version"])
        return newest

    def _stored(
        self, spark: SparkSession, incoming: list[Candidate], newest: Mapping[str, int]
    ) -> list[Candidate]:
        """Stored rows that may decide about the batch or change because of it.

        First those of its conversations and contents; then, where a newer version takes a valid
        row out, the copies that may follow it.
        """
        conversations = {c.conversation_id for c in incoming} | newest.keys()
        contents = {c.content_hash for c in incoming}
        found = self._lookup(spark, conversations, contents)
        vacated = {
            c.content_hash
            for c in found
            if c.verdict == "valid" and c.conversation_version < newest.get(c.conversation_id, 1)
        }
        if vacated - contents:
            found += self._lookup(spark, set(), vacated - contents)
        return found

    def _lookup(
        self, spark: SparkSession, conversations: set[str], contents: set[str]
    ) -> list[Candidate]:
        by_conversation = _column(spark, "conversation_id", conversations)
        by_content = _column(spark, "content_hash", contents)
        rows = (
            spark.read.format("delta")
            .load(str(lake.table_path(self.lake_dir, VALIDATED)))
            .select(*STORED_KEYS)
            .join(
                F.broadcast(by_conversation.withColumn("same_conversation", F.lit(True))),
                "conversation_id", "left",
            )
            .join(
                F.broadcast(by_content.withColumn("same_content", F.lit(True))),
                "content_hash", "left",
            )
            .where("same_conversation OR same_content")
            .select(*STORED_KEYS)
        )  # fmt: skip
        return [Candidate(**row) for row in rows.toArrow().to_pylist()]

    def _judged(
        self,
        frame: DataFrame,
        keys: list[dict[str, Any]],
        *,
        decisions: Mapping[str, Decision],
        stored: set[str],
    ) -> DataFrame:
        """Rows to insert, whole, and rows to update, as id and verdict; `is_stored` tells them."""
        ids = [k["example_id"] for k in keys if k["example_id"] is not None]
        by_id = {k["example_id"]: k for k in keys}
        rows = [
            {
                "example_id": example_id,
                "verdict": decision.verdict,
                "reasons": list(decision.reasons),
                "split": None if example_id in stored else self._split(by_id[example_id]),
                "is_stored": example_id in stored,
            }
            for example_id, decision in decisions.items()
        ]
        verdicts = frame.sparkSession.createDataFrame(
            pa.Table.from_pylist(rows, _VERDICT_SCHEMA), from_arrow_schema(_VERDICT_SCHEMA)
        )
        examples = frame.where("example_id IS NOT NULL")
        if len(ids) != len(set(ids)):
            examples = examples.dropDuplicates(["example_id"])
        whole = examples.join(
            F.broadcast(verdicts.where("NOT is_stored")), "example_id"
        ).unionByName(verdicts.where("is_stored"), allowMissingColumns=True)
        return (
            whole.withColumn("suite_version", F.lit(suite_version(self.settings)))
            .withColumn("validated_at", F.lit(self.now()).cast("timestamp"))
            .select(*[f.name for f in spark_schema(VALIDATED.record)], "is_stored")
        )

    def _split(self, key: Mapping[str, Any]) -> str:
        return decide_split(
            key["tenant"], key["subject_key"], key["conversation_id"],
            test=self.settings.test_share, dev=self.settings.dev_share,
        )  # fmt: skip

    def _merge(self, judged: DataFrame, batch_id: int, metadata: Mapping[str, Any]) -> None:
        spark = judged.sparkSession
        judged.createOrReplaceTempView("judged")
        columns = [f.name for f in spark_schema(VALIDATED.record)]
        statement = MERGE.format(
            path=lake.table_path(self.lake_dir, VALIDATED).resolve(),
            columns=", ".join(columns),
            values=", ".join(f"judged.{c}" for c in columns),
        )
        confs = {
            "spark.databricks.delta.write.txnAppId": self.app_id,
            "spark.databricks.delta.write.txnVersion": str(batch_id),
            "spark.databricks.delta.commitInfo.userMetadata": json.dumps(metadata),
        }
        with _session_confs(spark, confs):
            spark.sql(statement).collect()

    def _broken(self, keys: list[dict[str, Any]]) -> tuple[str, ...]:
        """Batch rules that the batch breaks; none for one too small to have shares."""
        rows = [
            {
                "example_id": k["example_id"],
                "content_hash": k["content_hash"],
                "is_quarantined": float(bool(k["reasons"])),
            }
            for k in keys
            if k["example_id"] is not None
        ]
        if len(rows) < self.settings.min_batch_examples:
            return ()
        suite = build_suite(self.settings, BATCH_RULES)
        return tuple(broken_batch_rules(suite, pa.Table.from_pylist(rows).to_pandas()))


_VERDICT_SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("verdict", pa.string()),
        ("reasons", arrow_schema(VALIDATED.record).field("reasons").type),
        ("split", pa.string()),
        ("is_stored", pa.bool_()),
    ]
)


def compile_gate(
    spark: SparkSession,
    settings: Settings,
    *,
    app_id: str,
    now: Callable[[], datetime],
    report: Callable[[Judged], None],
) -> Gate:
    """A gate with its rules compiled; `validated_examples` exists afterwards."""
    lake_dir = lake.ensure(settings.pipeline.lake, VALIDATED).parent
    columns = spark.createDataFrame([], spark_schema(EXAMPLES.record))
    return Gate(
        lake_dir=lake_dir,
        settings=settings.validate,
        rules=compile_rules(build_suite(settings.validate), columns),
        app_id=app_id,
        now=now,
        report=report,
    )


def start(
    spark: SparkSession, gate: Gate, checkpoint: Path, *, interval_s: float | None
) -> StreamingQuery:
    """The running query from `examples` and `conversations` to the gate.

    Newer conversation versions travel as rows without an example, so that they wake the gate.

    Args:
        spark: session of the stage.
        gate: what judges a batch.
        checkpoint: folder of the stream checkpoint, the one `gate.app_id` belongs to.
        interval_s: micro-batch interval; None judges what is there and ends.
    """
    newer = (
        _stream(spark, gate.lake_dir / CONVERSATIONS.name)
        .where("version > 1")
        .select("conversation_id", F.col("version").alias("conversation_version"))
    )
    rows = _stream(spark, gate.lake_dir / EXAMPLES.name)
    writer = (
        rows.unionByName(newer, allowMissingColumns=True)
        .writeStream.queryName(QUERY_NAME)
        .option("checkpointLocation", str(checkpoint))
        .foreachBatch(gate)
    )
    if interval_s is None:
        return writer.trigger(availableNow=True).start()
    return writer.trigger(processingTime=f"{interval_s} seconds").start()


def _stream(spark: SparkSession, path: Path) -> DataFrame:
    options = {"maxFilesPerTrigger": str(MAX_FILES_PER_BATCH)}
    return spark.readStream.format("delta").options(**options).load(str(path))


def _candidate(key: Mapping[str, Any]) -> Candidate:
    return Candidate(
        example_id=key["example_id"],
        conversation_id=key["conversation_id"],
        conversation_version=key["conversation_version"],
        content_hash=key["content_hash"],
        sent_at=key["sent_at"],
        reasons=tuple(key["reasons"]),
    )


def _column(spark: SparkSession, name: str, values: set[str]) -> DataFrame:
    return spark.createDataFrame(pa.table({name: pa.array(sorted(values), pa.string())}))


@contextmanager
def _session_confs(spark: SparkSession, confs: Mapping[str, str]) -> Iterator[None]:
    """Settings of a session for a while; left behind, they would mark the next write as done."""
    for key, value in confs.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key in confs:
            spark.conf.unset(key)
