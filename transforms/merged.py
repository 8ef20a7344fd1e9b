"""Versions of a batch's conversations, counted on above those that backfills merged.

The stream counts versions in its own state, which knows nothing of `python -m transforms backfill
--merge`. Each merge gives a conversation exactly one version, the next one, so the stream's count
and the number of merged rows together are a number that no row has. Reads `conversations`.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import lake
from deskwheel.tables import CONVERSATIONS

MERGED_BATCH = -1
"""`batch_id` of a merged row: no micro-batch has it, so file statistics find these rows."""

APP = "backfill:"
"""How the transaction applications of merges begin."""


@dataclass
class Merged:
    """The merged rows of a table; it remembers between batches whether there are any."""

    lake_dir: str
    _has_any: bool = False
    _seen: int = -1
    """Delta version up to which there is none."""

    def count_above(self, rows: DataFrame) -> DataFrame:
        """The rows, each version raised by the merged rows of its conversation.

        A replayed batch gets the same versions, for what a batch itself wrote is not counted.
        Without a merge a batch costs the look at a few commits. After one it costs a scan of two
        columns of the files that hold merged rows: linear in what was ever merged, not in the
        table, as long as compaction does not mix them with others.
        """
        if not self._is_there(rows.sparkSession):
            return rows
        names = rows.select("conversation_id").distinct()
        merged = (
            self._rows(rows.sparkSession)
            .join(F.broadcast(names), "conversation_id", "left_semi")
            .groupBy("conversation_id")
            .agg(F.count("*").cast("int").alias("merged"))
        )
        version = F.col("version") + F.coalesce("merged", F.lit(0))
        return (
            rows.join(F.broadcast(merged), "conversation_id", "left")
            .withColumn("version", version)
            .select(*rows.columns)
        )

    def _is_there(self, spark: SparkSession) -> bool:
        """Whether anything was merged: asked of the table once, then of its newer commits."""
        if self._has_any:
            return True
        newest = lake.current_version(self.lake_dir, CONVERSATIONS)
        if newest is None:
            return False
        if self._seen < 0:
            self._has_any = not self._rows(spark).isEmpty()
        for commit in lake.newest_commits(self.lake_dir, CONVERSATIONS):
            if self._seen < 0 or self._has_any or commit["version"] <= self._seen:
                break
            self._has_any = str(commit.get("app", "")).startswith(APP)
        self._seen = newest
        return self._has_any

    def _rows(self, spark: SparkSession) -> DataFrame:
        path = str(lake.table_path(self.lake_dir, CONVERSATIONS))
        frame = spark.read.format("delta").load(path)
        return frame.where(F.col("batch_id") == MERGED_BATCH).select("conversation_id")
