"""Applies repairs: a stored example is judged again, with its edits, by the gate's own rules.

Reads `repairs` as a stream, and `validated_examples`; writes the latter, one commit a batch.
A stream of its own and not a further input of the gate's: Spark refuses a stream checkpoint whose
query has another number of inputs than before, and a running pipeline keeps its checkpoint.

Promised: a repair is applied at most once, whatever is replayed; kind and split never change; an
example that leaves its group or comes into one moves the others as the arrival of a new one would.
Not promised: that a repair is applied when the row changed since it was asked (then it is skipped,
and the timeline says why).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from deskwheel import failpoint, lake
from deskwheel.records import Example
from deskwheel.repairs import Repair
from deskwheel.schema import arrow_schema
from deskwheel.tables import REPAIRS, VALIDATED
from transforms.session import spark_schema, start_query
from validate.batch import changed_rows, read_keys
from validate.candidates import Decision
from validate.catch_up import catch_up
from validate.checkpoint import Read, planned_reading
from validate.commit import commit_batch, compact_when_due
from validate.compile import complete
from validate.entries import Entry, make_entry
from validate.gate import Gate, newest_versions, read_stream
from validate.index import Index, open_index
from validate.lookup import look_up
from validate.quarantine.rows import stored_rows
from validate.quarantine.told import Outcome
from validate.repairs import EDITABLE, Chosen, choose, judge_repair
from validate.verdicts import decide

QUERY_NAME = "repairs"

_ASKED = (
    "repair_id", "example_id", "action", "attempt", "despite", "actor", "at", "note",
)  # fmt: skip
_STORED = ("example_id", "verdict", "reasons", "split", "attempt", "repair_id")
_EDITS = (*EDITABLE, "content_hash", "has_needless_apology")
_OF_BOTH_TEXTS = ("relevance", "is_answered")
"""What was measured on the texts as they were; null, as nobody measured the new ones."""


@dataclass(frozen=True)
class Mender:
    """Applies micro-batches of repairs; call it with a frame and a batch id."""

    gate: Gate
    app_id: str
    """Transaction application id: of the stream of repairs."""
    report: Callable[[Sequence[Outcome]], None]

    def __call__(self, frame: DataFrame, batch_id: int, *, read: Read | None = None) -> None:
        """Apply a batch of `repairs` and commit it once; what was applied before is left alone.

        Args:
            frame: rows of `repairs`.
            batch_id: number of the batch, growing by one in a life of the stream checkpoint.
            read: up to where it reads the table.
        """
        asked = frame.select(*_ASKED).toArrow().to_pylist()
        with self.gate.lock, open_index(self.gate.index_file) as index:
            catch_up(index, self.gate.lake_dir)
            ids = {r["example_id"] for r in asked}
            rows = stored_rows(self.gate.lake_dir, VALIDATED, columns=_STORED, ids=ids)
            stored = {r["example_id"]: r for r in rows}
            chosen = choose(asked, stored)
            decisions = (
                self._mend(frame, chosen, stored, index=index, batch_id=batch_id, read=read or {})
                if chosen.apply
                else {}
            )
        if outcomes := _outcomes(chosen, stored, decisions):
            self.report(outcomes)

    def _mend(
        self,
        frame: DataFrame,
        chosen: Chosen,
        stored: Mapping[str, Mapping[str, Any]],
        *,
        index: Index,
        batch_id: int,
        read: Read,
    ) -> dict[str, Decision]:
        examples = edit_rows(frame, self.gate.lake_dir, chosen)
        keys = read_keys(examples, self.gate.rules)
        entries = {k["example_id"]: self._entry(k, chosen, stored) for k in keys}
        newest = newest_versions(index, keys)
        seen = look_up(
            index,
            list(entries.values()),
            newest,
            of_conversations=index.of_conversations({k["conversation_id"] for k in keys}),
            anew=entries.keys(),
            within=self.gate.returns_within,
        )
        decisions = decide(
            seen.existing,
            [e.candidate for e in entries.values()],
            newest,
            seen.links,
            returns=seen.returns,
            anew=entries.keys(),
        )
        rows = changed_rows(
            examples, keys, decisions=decisions, fresh=entries,
            suite_version=self.gate.suite_version, now=self.gate.now(),
        )  # fmt: skip
        failpoint.reach(failpoint.BEFORE_REPAIR)
        version = commit_batch(
            rows.withColumn("is_repaired", ~F.col("is_stored")).withColumn(
                "is_stored", F.lit(True)
            ),
            self.gate.lake_dir,
            app_id=self.app_id,
            batch_id=batch_id,
            changes_rows=True,
            metadata={
                "repaired": dict(Counter(d.verdict for d in decisions.values())),
                "read": read,
            },
        )
        failpoint.reach(failpoint.AFTER_REPAIR)
        if version is not None:
            index.apply(decisions, entries, version=version)
            compact_when_due(index, self.gate.lake_dir, commits=self.gate.compact_commits)
        return decisions

    def _entry(
        self, key: dict[str, Any], chosen: Chosen, stored: Mapping[str, Mapping[str, Any]]
    ) -> Entry:
        """The example as it is after its repair; the customer's split stays."""
        row = stored[key["example_id"]]
        found = judge_repair(
            chosen.apply[key["example_id"]],
            stored=row["reasons"],
            broken=key["reasons"],
            known=self.gate.rulings,
        )
        key["reasons"] = list(found.reasons)
        key["warnings"] = [*key["warnings"], *found.set_aside]
        return make_entry(key, split=row["split"], rejected=key["rejected"])


def edit_rows(frame: DataFrame, lake_dir: Path, chosen: Chosen) -> DataFrame:
    """The stored examples of the chosen repairs with their edits, `attempt` and `repair_id`.

    Costs one scan of the ids of `validated_examples`; texts are read of the chosen ones.
    """
    spark = frame.sparkSession
    ids = pa.table({"repair_id": [r["repair_id"] for r in chosen.apply.values()]})
    edits = (
        frame.join(F.broadcast(spark.createDataFrame(ids)), "repair_id", "leftsemi")
        .dropDuplicates(["repair_id"])
        .select(
            "example_id", "repair_id", "attempt", *(F.col(c).alias(f"edited_{c}") for c in _EDITS)
        )
    )
    table = spark.read.format("delta").load(str(lake.table_path(lake_dir, VALIDATED)))
    examples = complete(table, spark_schema(Example)).select(*arrow_schema(Example).names)
    edited = examples.join(F.broadcast(edits), "example_id")
    is_same = F.col("edited_query").isNull() & F.col("edited_response").isNull()
    changes: dict[str, Column] = {c: F.coalesce(f"edited_{c}", c) for c in _EDITS}
    changes |= {c: F.when(is_same, F.col(c)) for c in _OF_BOTH_TEXTS}
    return edited.withColumns(changes).select(*examples.columns, "attempt", "repair_id")


def start_repairs(
    spark: SparkSession, mender: Mender, checkpoint: Path, *, interval_s: float | None
) -> StreamingQuery:
    """The running query from `repairs` to the mender.

    Args:
        spark: session of the stage.
        mender: what applies a batch.
        checkpoint: folder of the stream checkpoint, the one `mender.app_id` belongs to.
        interval_s: micro-batch interval; None applies what is there and ends.
    """
    path = lake.table_path(mender.gate.lake_dir, REPAIRS)

    def mend(frame: DataFrame, batch_id: int) -> None:
        mender(frame, batch_id, read=planned_reading(checkpoint, batch_id))

    writer = (
        complete(read_stream(spark, path), spark_schema(Repair))
        .writeStream.queryName(QUERY_NAME)
        .option("checkpointLocation", str(checkpoint))
        .foreachBatch(mend)
    )
    return start_query(writer, interval_s=interval_s)


def _outcomes(
    chosen: Chosen,
    stored: Mapping[str, Mapping[str, Any]],
    decisions: Mapping[str, Decision],
) -> list[Outcome]:
    def outcome(repair: Mapping[str, Any], **changes: Any) -> Outcome:
        row = stored.get(repair["example_id"])
        facts = {k: repair[k] for k in ("repair_id", "example_id", "action", "actor", "at", "note")}
        before = {"before": row["verdict"] if row else None}
        return Outcome(**{**facts, **before, **changes})

    return [
        *(
            outcome(r, after=decisions[i].verdict, reasons=tuple(decisions[i].reasons))
            for i, r in chosen.apply.items()
        ),
        *(
            outcome(
                r,
                before=None,
                after=stored[r["example_id"]]["verdict"],
                reasons=tuple(stored[r["example_id"]]["reasons"]),
                is_replayed=True,
            )
            for r in chosen.applied
        ),
        *(outcome(r, skipped=why) for r, why in chosen.skipped),
    ]
