"""A judged batch as one Delta commit on `validated_examples`, made once whatever is repeated.

Writes `validated_examples`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from deskwheel import lake
from deskwheel.commit_log import Commit, commits_until
from deskwheel.tables import VALIDATED
from transforms.session import spark_schema, write_once
from validate.compiled import compiled_write
from validate.index import Index

JUDGED = ("verdict", "reasons", "validated_at", "cluster_id", "group_id", "duplicate_of")
"""What a later batch changes of a stored row that it does not hold."""

_LOOKED_BACK = 256

FIXED = ("example_id", "split")
"""What nothing changes of a stored row."""

MERGE = """
MERGE INTO delta.`{path}` AS stored USING judged ON stored.example_id = judged.example_id
WHEN MATCHED AND judged.is_repaired THEN UPDATE SET {repairs}
WHEN MATCHED AND judged.is_stored THEN UPDATE SET {changes}
WHEN NOT MATCHED AND NOT judged.is_stored THEN INSERT ({columns}) VALUES ({values})
"""


def commit_batch(
    judged: DataFrame | pa.Table,
    lake_dir: Path,
    *,
    app_id: str,
    batch_id: int,
    changes_rows: bool,
    metadata: Mapping[str, Any],
    rows: int = 0,
) -> int | None:
    """The version that the commit made, or None where (app_id, batch_id) was committed before.

    None too where others committed meanwhile: which version is whose is then not asked.

    Args:
        judged: columns of the table; of a frame also `is_stored`, true for rows of which it has one
            already, and `is_repaired` where it is there, true for those of them that come whole.
        lake_dir: folder of the tables.
        app_id: transaction application id.
        batch_id: its transaction version.
        changes_rows: whether `is_stored` is ever true, which takes a frame; a batch without is
            appended, which is cheaper.
        metadata: put on the commit.
        rows: of the batch, for `compiled_write`.
    """
    before = lake.current_version(lake_dir, VALIDATED)
    once: dict[str, Any] = {"app_id": app_id, "batch_id": batch_id, "metadata": metadata}
    if isinstance(judged, pa.Table):
        write_once(judged, lake_dir, VALIDATED, **once)
    else:
        with compiled_write(judged.sparkSession, rows):
            if changes_rows:
                _merge(judged, lake_dir, {"app": app_id, "batch": batch_id, **metadata})
            else:
                write_once(judged.drop("is_stored"), lake_dir, VALIDATED, **once)
    after = lake.current_version(lake_dir, VALIDATED)
    newest = next(lake.newest_commits(lake_dir, VALIDATED), {"version": None})
    is_ours = (newest.get("app"), newest.get("batch")) == (app_id, batch_id)
    is_only = before is not None and after == before + 1 == newest["version"]
    return after if is_ours and is_only else None


def committed(lake_dir: Path, app_id: str, batch_id: int) -> Commit | None:
    """The commit of a batch, with its metadata; None where the batch was not committed.

    Empty where it was, and its commit is not found among the newest. Costs a look at the table's
    transactions; commits are read only if there is one to be found.
    """
    table = lake.open_table(lake_dir, VALIDATED)
    newest = None if table is None else table.transaction_version(app_id)
    if table is None or newest is None or newest < batch_id:
        return None
    commits = islice(commits_until(lake_dir, VALIDATED, table.version()), _LOOKED_BACK)
    ours = (c for c in commits if (c.get("app"), c.get("batch")) == (app_id, batch_id))
    return next(ours, {})


def compact_when_due(index: Index, lake_dir: Path, *, commits: int) -> None:
    """Merge the table's small files every so many versions; the index is told that no row changed.

    Every batch opens all files to change a row, and a new index reads them. A failure costs time
    later, so it is only told.

    Args:
        index: up to date with the table, else nothing is done.
        lake_dir: folder of the tables.
        commits: `transforms.compact_commits`; 0: never.
    """
    version = index.reflects.version
    if not commits or not version or version % commits:
        return
    try:
        merged = lake.compact(lake_dir, VALIDATED)
    except DeltaError as error:
        print(f"{VALIDATED.name}: its files were not merged ({error}); the next time is soon")
        return
    if merged and lake.current_version(lake_dir, VALIDATED) == version + 1:
        index.note_version(version + 1)


def _merge(judged: DataFrame, lake_dir: Path, metadata: Mapping[str, Any]) -> None:
    spark = judged.sparkSession
    if "is_repaired" not in judged.columns:
        judged = judged.withColumn("is_repaired", F.lit(False))
    judged.createOrReplaceTempView("judged")
    columns = [f.name for f in spark_schema(VALIDATED.record)]
    statement = MERGE.format(
        path=lake.table_path(lake_dir, VALIDATED).resolve(),
        repairs=", ".join(f"{c} = judged.{c}" for c in columns if c not in FIXED),
        changes=", ".join(f"{c} = judged.{c}" for c in JUDGED),
        columns=", ".join(columns),
        values=", ".join(f"judged.{c}" for c in columns),
    )
    confs = {
        "spark.databricks.delta.write.txnAppId": str(metadata["app"]),
        "spark.databricks.delta.write.txnVersion": str(metadata["batch"]),
        "spark.databricks.delta.commitInfo.userMetadata": json.dumps(metadata),
    }
    with _session_confs(spark, confs):
        spark.sql(statement).collect()


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
