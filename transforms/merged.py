"""Versions of a batch's conversations, counted on above those that backfills merged.

The stream counts versions in its own state, which knows nothing of `python -m transforms backfill
--merge`. Each merge gives a conversation exactly one version, the next one, so the stream's count
and the number of merged rows together are a number that no row has. Reads `conversations`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from deskwheel import lake
from deskwheel.commit_log import commit_of
from deskwheel.tables import CONVERSATIONS

MERGED_BATCH = -1
"""`batch_id` of a merged row: no micro-batch has it, so file statistics find these rows."""

_IS_MERGED = pc.field("batch_id") == MERGED_BATCH

APP = "backfill:"
"""How the transaction applications of merges begin."""


@dataclass
class Merged:
    """The merged rows of a table; it remembers between batches whether there are any."""

    lake_dir: str
    _has_any: bool = False
    _seen: int = -1
    """Delta version up to which there is none."""

    def count_above(self, rows: pa.Table | DataFrame) -> pa.Table | DataFrame:
        """The rows, each version raised by the merged rows of its conversation.

        A replayed batch gets the same versions, for what a batch itself wrote is not counted.
        Without a merge a batch costs the look at a few commits. After one it costs a scan of two
        columns of the files that hold merged rows: linear in what was ever merged, not in the
        table, as long as compaction does not mix them with others.
        """
        if not self._is_there():
            return rows
        if isinstance(rows, pa.Table):
            return _raised(rows, self._counts(rows["conversation_id"].to_pylist()))
        names = [row[0] for row in rows.select("conversation_id").distinct().collect()]
        return _raised_frame(rows, self._counts(names))

    def _is_there(self) -> bool:
        """Whether anything was merged: asked of the table once, then of its newer commits."""
        if self._has_any:
            return True
        if self._seen < 0:
            newest = lake.current_version(self.lake_dir, CONVERSATIONS)
            if newest is None:
                return False
            self._has_any = any(part.num_rows for part in self._scan(_IS_MERGED))
            self._seen = newest
        while commit := commit_of(self.lake_dir, CONVERSATIONS, self._seen + 1):
            self._has_any |= str(commit.get("app", "")).startswith(APP)
            self._seen += 1
        return self._has_any

    def _counts(self, names: Sequence[str]) -> Counter[str]:
        """How many merged rows each of the conversations has."""
        wanted = pc.field("conversation_id").isin(pa.array(sorted(set(names)), pa.string()))
        found: Counter[str] = Counter()
        for part in self._scan(_IS_MERGED & wanted):
            found.update(part["conversation_id"].to_pylist())
        return found

    def _scan(self, where: pc.Expression) -> Iterator[pa.RecordBatch]:
        columns = {"conversation_id": pc.field("conversation_id")}
        return lake.scan(self.lake_dir, CONVERSATIONS, columns, where)


def _raised(rows: pa.Table, merged: Mapping[str, int]) -> pa.Table:
    named = zip(rows["version"].to_pylist(), rows["conversation_id"].to_pylist(), strict=True)
    versions = [version + merged.get(name, 0) for version, name in named]
    at = rows.schema.get_field_index("version")
    column = rows.schema.field(at)
    return rows.set_column(at, column, [pa.array(versions, column.type)])


def _raised_frame(rows: DataFrame, merged: Mapping[str, int]) -> DataFrame:
    if not merged:
        return rows
    counts = rows.sparkSession.createDataFrame(
        sorted(merged.items()), "conversation_id string, merged int"
    )
    version = F.col("version") + F.coalesce("merged", F.lit(0))
    return (
        rows.join(F.broadcast(counts), "conversation_id", "left")
        .withColumn("version", version)
        .select(*rows.columns)
    )
