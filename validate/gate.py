"""The gate: every example gets exactly one row with its verdict in `validated_examples`.

Reads `examples` as a stream, `conversations` for newer versions, and its own table for near-copies;
writes `validated_examples` and one timeline entry a batch.

Promised: after any crash, replay or batch boundaries, each distinct example id of `examples` has
one row, and the verdicts are those of `validate.verdicts`. A batch is one Delta commit. A newer
conversation version supersedes older examples even when it yields none itself, in the first batch
after its row stands in `conversations`. Not promised: that `validated_at` of a row is its first
verdict's (a changed verdict is dated anew). A batch that was committed is not judged again: its
commit says what is told of it.

A batch costs what it holds: what was stored before is asked of an index on the driver. A batch is
read once and committed without Spark where it fits into this process and changes no stored row.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from deskwheel import failpoint, lake
from deskwheel.settings import Settings, ValidateSettings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, VALIDATED
from transforms.session import spark_schema, start_query
from validate.batch import Batch, changed_rows, new_rows, read_batch, warnings_of
from validate.batch_rules import VOLUMES, BatchRules, BatchVerdict, compile_batch_rules
from validate.candidates import Decision
from validate.catch_up import catch_up
from validate.checkpoint import Read, planned_reading
from validate.commit import commit_batch, committed, compact_when_due
from validate.compile import RowRules, compile_row_rules, complete
from validate.drift import Baseline
from validate.entries import Entry, make_entry, subject_of
from validate.index import Index, open_index
from validate.lookup import look_up
from validate.repairs import Rulings, rulings
from validate.suite import load_suites
from validate.told import Judged, commit_facts, judged_of
from validate.verdicts import decide, decide_split

QUERY_NAME = "validated_examples"
INDEX_NAME = f"{QUERY_NAME}.index.sqlite"
_LOOKED_BACK = 10 * VOLUMES
"""Commits among which those of batches with new rows are looked for."""
MAX_FILES_PER_BATCH = 64
"""Transforms commits one file a batch: 64 keep the keys of a backfill's batch within the heap."""


@dataclass(frozen=True)
class Gate:
    """Judges micro-batches; call it with a frame and a batch id, as `foreachBatch` does."""

    lake_dir: Path
    settings: ValidateSettings
    rules: RowRules
    batch_rules: BatchRules
    suite_version: str
    app_id: str
    """Transaction application id: of this stream and of this life of its checkpoint."""
    now: Callable[[], datetime]
    report: Callable[[Judged], None]
    index_file: Path
    """Where the index of the table is kept; see `validate.index`."""
    compact_commits: int = 0
    """Versions of the table after which its small files are merged; 0: never."""
    rulings: Rulings = field(default_factory=Rulings)
    """What `validate.mend` must know of the suite."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever judges: examples and repairs are queries of their own, one at a time."""

    def __call__(self, frame: DataFrame, batch_id: int, *, read: Read | None = None) -> None:
        """Judge a batch and commit it once; the same batch id again commits nothing.

        It is reported again, as repeated: who died after the commit may not have done so.

        Args:
            frame: rows of `examples`, and rows with `conversation_id` and
                `conversation_version` only, which tell of a newer version.
            batch_id: number of the batch, growing by one in a life of the stream checkpoint.
            read: up to where it reads its tables.
        """
        if (commit := committed(self.lake_dir, self.app_id, batch_id)) is not None:
            if (judged := judged_of(commit)) is not None:
                self.report(judged)
            return
        batch = read_batch(frame, self.rules)
        with self.lock, open_index(self.index_file) as index:
            catch_up(index, self.lake_dir)
            self._judge(frame, batch, index, batch_id=batch_id, read=read or {})

    def _judge(
        self,
        frame: DataFrame,
        batch: Batch,
        index: Index,
        *,
        batch_id: int,
        read: Read,
    ) -> None:
        keys = batch.keys
        newest = newest_versions(index, keys)
        of_conversations = index.of_conversations({k["conversation_id"] for k in keys})
        stored = {c.example_id for c in of_conversations}
        fresh = {
            e.candidate.example_id: e
            for e in self._entries(index, keys)
            if e.candidate.example_id not in stored
        }
        verdict = self._judge_batch(keys, index, fresh=fresh)
        if verdict.stops:
            fresh = {i: e.stopped(verdict.stops) for i, e in fresh.items()}
        seen = look_up(
            index,
            list(fresh.values()),
            newest,
            of_conversations=of_conversations,
            within=self.returns_within,
        )
        candidates = [e.candidate for e in fresh.values()]
        decisions = decide(seen.existing, candidates, newest, seen.links, returns=seen.returns)
        if not decisions:
            return
        judged = Judged(
            batch_id=batch_id,
            version=-1,
            verdicts=dict(Counter(str(d.verdict) for d in decisions.values())),
            reasons=dict(Counter(r for d in decisions.values() for r in d.reasons)),
            fresh=len(decisions.keys() & fresh.keys()),
            changed=len(decisions.keys() - fresh.keys()),
            broken=verdict.broken,
            stops=verdict.stops,
            warnings=dict(Counter(w for k in keys for w in k["warnings"])),
            suite_version=self.suite_version,
        )
        failpoint.reach(failpoint.BEFORE_WRITE)
        version = commit_batch(
            self.judged_rows(
                frame, batch, decisions=decisions, fresh=fresh, changes_rows=judged.changed > 0
            ),
            self.lake_dir,
            app_id=self.app_id,
            batch_id=batch_id,
            changes_rows=judged.changed > 0,
            rows=len(keys),
            metadata={**commit_facts(judged), "read": read},
        )
        failpoint.reach(failpoint.AFTER_COMMIT)
        if version is not None:
            index.apply(decisions, fresh, version=version)
            compact_when_due(index, self.lake_dir, commits=self.compact_commits)
        else:
            version = (committed(self.lake_dir, self.app_id, batch_id) or {}).get("version")
        self.report(replace(judged, version=version or 0))

    @property
    def returns_within(self) -> timedelta:
        """How long after an example its customer's return speaks against it."""
        return timedelta(days=self.settings.came_back_days)

    def _entries(self, index: Index, keys: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
        """The examples of a batch; a customer who was seen before keeps their split."""
        examples = [k for k in keys if k["example_id"] is not None]
        splits = index.splits({subject_of(k) for k in examples})
        for key in examples:
            split = splits.get(subject_of(key)) or decide_split(
                key["tenant"], key["subject_key"], key["conversation_id"],
                test=self.settings.test_share, dev=self.settings.dev_share,
            )  # fmt: skip
            yield make_entry(key, split=split, rejected=key["rejected"])

    def judged_rows(
        self,
        frame: DataFrame,
        batch: Batch,
        *,
        decisions: Mapping[str, Decision],
        fresh: Mapping[str, Entry],
        changes_rows: bool,
    ) -> DataFrame | pa.Table:
        """What `commit_batch` takes: a table of new rows where the batch is here, else a frame."""
        facts: dict[str, Any] = {"suite_version": self.suite_version, "now": self.now()}
        facts |= {"decisions": decisions, "fresh": fresh}
        if changes_rows or batch.rows is None:
            return changed_rows(frame, batch.keys, **facts)
        return new_rows(batch.rows, warnings_of(batch.keys), **facts)

    def _judge_batch(
        self, keys: Sequence[Mapping[str, Any]], index: Index, *, fresh: Mapping[str, Entry]
    ) -> BatchVerdict:
        """What the batch broke as a whole; rows that a replay brings again are not judged."""
        contents = {i: e.candidate.content for i, e in fresh.items()}
        rows = [
            {**k, "content_hash": contents[k["example_id"]]}
            for k in keys
            if k["example_id"] in contents
        ]
        if len(rows) < self.batch_rules.min_rows:
            return BatchVerdict()
        known = {c.content for c in index.of_contents(contents.values())}
        return self.batch_rules.judge(rows, known=known, volumes=self.volumes())

    def volumes(self) -> list[int]:
        """New rows of the newest batches that had any, newest first.

        What a batch changed of earlier rows is no volume: a return of customers moves many.
        """
        commits = islice(lake.newest_commits(self.lake_dir, VALIDATED), _LOOKED_BACK)
        return list(islice((c["fresh"] for c in commits if c.get("fresh")), VOLUMES))


def newest_versions(index: Index, keys: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Newest version of the batch's conversations, where it is above 1.

    A newer version may be known to `conversations` before the older one's examples come.
    """
    newest = index.newest_versions({k["conversation_id"] for k in keys})
    for key in keys:
        if key["conversation_version"] > 1:
            previous = newest.get(key["conversation_id"], 1)
            newest[key["conversation_id"]] = max(previous, key["conversation_version"])
    return newest


def compile_gate(
    spark: SparkSession,
    settings: Settings,
    *,
    app_id: str,
    now: Callable[[], datetime],
    report: Callable[[Judged], None],
    baseline: Baseline | None = None,
) -> Gate:
    """A gate with its rules compiled; `validated_examples` exists afterwards.

    Raises:
        ConfigError: a rule of the suite cannot be compiled.
    """
    lake_dir = lake.ensure(settings.pipeline.lake, VALIDATED).parent
    columns = spark.createDataFrame([], spark_schema(EXAMPLES.record))
    suites = load_suites(settings.validate)
    return Gate(
        lake_dir=lake_dir,
        settings=settings.validate,
        rules=compile_row_rules(suites.rows, columns),
        batch_rules=compile_batch_rules(
            suites.batches,
            row_rules=[e.meta["rule_id"] for e in suites.rows.expectations],
            min_rows=settings.validate.min_batch_examples,
            baseline=baseline,
        ),
        suite_version=suites.version,
        rulings=rulings(
            (e.meta for e in suites.rows.expectations),
            (e.meta["rule_id"] for e in suites.batches.expectations),
        ),
        app_id=app_id,
        now=now,
        report=report,
        index_file=Path(settings.transforms.checkpoint_dir).absolute() / INDEX_NAME,
        compact_commits=settings.transforms.compact_commits,
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
        read_stream(spark, gate.lake_dir / CONVERSATIONS.name)
        .where("version > 1")
        .select("conversation_id", F.col("version").alias("conversation_version"))
    )
    rows = complete(
        read_stream(spark, gate.lake_dir / EXAMPLES.name), spark_schema(EXAMPLES.record)
    )

    def judge(frame: DataFrame, batch_id: int) -> None:
        gate(frame, batch_id, read=planned_reading(checkpoint, batch_id))

    writer = (
        rows.unionByName(newer, allowMissingColumns=True)
        .writeStream.queryName(QUERY_NAME)
        .option("checkpointLocation", str(checkpoint))
        .foreachBatch(judge)
    )
    return start_query(writer, interval_s=interval_s)


def read_stream(spark: SparkSession, path: Path) -> DataFrame:
    """Rows of a Delta table as they are appended, in batches of bounded size."""
    options = {"maxFilesPerTrigger": str(MAX_FILES_PER_BATCH)}
    return spark.readStream.format("delta").options(**options).load(str(path))
