"""A Spark session for one stage, and the two writes that every stream of ours uses.

The jars come from `deskwheel.jars` (pinned, hashed), never from a package resolver at start.
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming import DataStreamWriter, StreamingQuery
from pyspark.sql.types import StructType

from deskwheel import lake
from deskwheel.errors import LineageError
from deskwheel.jars import jar_dir
from deskwheel.java import find_java
from deskwheel.schema import arrow_schema
from deskwheel.tables import Table

_JVM_OPTIONS = "-XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m -Dlog4j2.level=error"
"""The serial collector costs two cores least. The room for compiled code is that of all compilers:
with the client compiler's own 48 MiB it was full after 89 s of the stream, and the JVM then
compiled nothing any more."""

_COMPILERS = {"client": "-XX:TieredStopAtLevel=1", "server": "-XX:+TieredCompilation"}
"""With the client compiler alone the start costs a third of the default's CPU seconds on two cores
(docs/decisions.md)."""

MAX_GATHERED = "256m"

_MARKER = "deskwheel.app"

_GREAT_MERGE = 8
"""Each eighth merge of a table's files makes large ones, the others files of an eighth of that
size: the growing file of a merge was written anew by each one until it was large."""


def spark_session(
    app: str, *, driver_memory: str, master: str = "local[2]", compiler: str = "client"
) -> SparkSession:
    """A local Spark session with the Kafka source and Delta on its class path.

    `compiler` is `transforms.jvm_compiler`; of a JVM that runs already it stays as it is.

    Raises:
        SetupError: Java or the jars are missing.
    """
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["JAVA_HOME"] = str(find_java().parent.parent)
    builder = SparkSession.builder.appName(app).master(master)
    settings = {
        "spark.driver.extraClassPath": str(jar_dir("spark") / "*"),
        "spark.driver.memory": driver_memory,
        # What `gathered` takes into this process at most; the default is as large as the heap.
        "spark.driver.maxResultSize": MAX_GATHERED,
        "spark.driver.extraJavaOptions": _java_options(driver_memory, compiler=compiler),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "deskwheel-warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        # Interpreted expressions: a micro-batch of some thousand rows costs the JVM two fifths less
        # CPU, because each one had its code generated and compiled anew (docs/decisions.md).
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        # A micro-batch writes what changed, not its whole new files: half the time of a commit.
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        "spark.sql.streaming.stopTimeout": "20s",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _java_options(driver_memory: str, *, compiler: str) -> str:
    """With the server compiler the heap is whole from the start.

    One that grows as it must is collected whole at each large batch: a tenth of its CPU seconds.
    """
    heap = f" -Xms{driver_memory}" if compiler == "server" else ""
    return f"{_JVM_OPTIONS} {_COMPILERS[compiler]}{heap}"


def spark_schema(record: Any) -> StructType:
    """The Spark schema of a record, nullability included."""
    return from_arrow_schema(arrow_schema(record))


def gathered(frame: DataFrame) -> pa.Table | DataFrame:
    """The rows of a micro-batch in this process, as an Arrow table.

    One Spark job, the only one that a micro-batch needs. Rows beyond `MAX_GATHERED`, as after a
    long stop, stay with Spark: then the frame itself is returned, to be read again.
    """
    try:
        return frame.toArrow()
    except Exception as error:
        if "maxResultSize" not in str(error):
            raise
        return frame


def start_query(writer: DataStreamWriter, *, interval_s: float | None) -> StreamingQuery:
    """Start a stream: a micro-batch every `interval_s`, or, for None, what is there and its end."""
    if interval_s is None:
        return writer.trigger(availableNow=True).start()
    return writer.trigger(processingTime=f"{interval_s} seconds").start()


def write_once(
    rows: DataFrame | pa.Table,
    lake_dir: str | Path,
    table: Table,
    *,
    app_id: str,
    batch_id: int,
    metadata: Mapping[str, Any],
    compact_commits: int = 0,
) -> None:
    """Append a batch in one Delta commit; the same (app_id, batch_id) again adds nothing.

    Delta skips a write whose transaction version is not above the one stored for its
    application: a batch replayed after a crash is committed once.
    Source: Delta Lake documentation, "Idempotent table writes in foreachBatch".

    Rows in Arrow are committed by this process without Spark, which costs a batch of some thousand
    rows a fiftieth of the CPU time (docs/decisions.md); a frame may be larger than memory.

    Each commit is a file, which every reader of the table opens: after every `compact_commits`
    versions they are merged (0: never).
    """
    version: int | None = None
    if isinstance(rows, pa.Table):
        version = lake.append_once(
            lake_dir, table, rows, app_id=app_id, batch_id=batch_id, metadata=metadata
        )
    else:
        (
            rows.coalesce(1)
            .write.format("delta")
            .mode("append")
            .option("txnAppId", app_id)
            .option("txnVersion", str(batch_id))
            .option("userMetadata", json.dumps({"app": app_id, "batch": batch_id, **metadata}))
            .save(str(lake.table_path(lake_dir, table)))
        )
    if compact_commits:
        _compact(lake_dir, table, compact_commits, version=version)


def _compact(
    lake_dir: str | Path, table: Table, commits: int, *, version: int | None = None
) -> None:
    """Merge the table's files when it is due; a failure costs time later, so it is only told."""
    try:
        version = version or lake.current_version(lake_dir, table)
        if version and version % commits == 0:
            is_great = version % (commits * _GREAT_MERGE) == 0
            target = lake.COMPACTED_BYTES // (1 if is_great else _GREAT_MERGE)
            lake.compact(lake_dir, table, target_bytes=target)
    except DeltaError as error:
        print(f"{table.name}: its files were not merged ({error}); the next time is soon")


def incarnation(lake_dir: str | Path, table: Table, checkpoint: Path, name: str) -> str:
    """The transaction application id of a stream: its name and the life of its checkpoint.

    The id is stored beside the stream checkpoint. A checkpoint that starts anew over a table
    that a former life filled would count batches from 0 again, and Delta would skip them as
    already written, so that is refused instead; so is one restored from before the last commit,
    one of another stream or table, and one whose files cannot be read. Only `commits` may be gone
    without harm: the last batch is then replayed.

    Raises:
        LineageError: the checkpoint does not continue the table, or cannot be read.
    """
    marker = checkpoint / _MARKER
    earlier = {
        c["app"]: c["batch"]
        for c in lake.commits(lake_dir, table)
        if str(c.get("app", "")).startswith(f"{name}:")
    }
    known = marker.read_text(encoding="utf-8").strip() if marker.exists() else ""
    if known and not known.startswith(f"{name}:"):
        raise LineageError(
            f"stream {name}: the stream checkpoint {checkpoint} is of another stream, {known};"
            f" restore the one of {name}"
        )
    if damage := _damage(checkpoint):
        raise LineageError(
            f"stream {name}: the stream checkpoint {checkpoint} cannot be read: {damage}."
            " Restore the checkpoint together with the lake"
        )
    newest = max(batches_of(checkpoint / "offsets"), default=-1)
    if known and (known in earlier or not earlier) and earlier.get(known, -1) <= newest:
        return known
    if earlier:
        app_id, batch = next(reversed(earlier.items()))
        raise LineageError(
            f"stream {name}: table {table.name} holds batches up to {batch} of {app_id}, but the"
            f" stream checkpoint {checkpoint} does not continue them (its offsets are gone, older"
            " or of another table). Restore the checkpoint, or move the table away and start from"
            " the topic's beginning"
        )
    app_id = f"{name}:{os.urandom(6).hex()}"
    marker.parent.mkdir(parents=True, exist_ok=True)
    part = marker.with_suffix(".part")
    part.write_text(app_id, encoding="utf-8")
    part.replace(marker)
    return app_id


def _damage(checkpoint: Path) -> str | None:
    """What Spark could not go on from, in words: of each log it reads the newest files."""
    offsets, commits = (batches_of(checkpoint / log) for log in ("offsets", "commits"))
    if commits and commits[-1] > max(offsets, default=-1):
        return f"commits has batch {commits[-1]}, offsets ends before it"
    logs = [
        *(checkpoint / "offsets" / str(batch) for batch in offsets[-2:]),
        *(checkpoint / "commits" / str(batch) for batch in commits[-1:]),
    ]
    if broken := [f for f in logs if not _is_log(f)]:
        return f"{broken[0].parent.name}/{broken[0].name} is cut off or no log of Spark's"
    metadata = checkpoint / "metadata"
    if logs and not (metadata.exists() and _is_json(metadata.read_bytes())):
        return 'metadata is gone, cut off or not JSON; a line {"id": "UUID"} with any UUID will do'
    return None


def batches_of(log: Path) -> list[int]:
    """Numbers of the batches that a log of the stream checkpoint holds, in order."""
    return sorted(int(p.name) for p in log.glob("[0-9]*") if p.name.isdigit())


def _is_log(file: Path) -> bool:
    """Whether a file is a version and, on lines of their own, JSON values; `-` is no offset.

    Source: Spark's `OffsetSeqLog` and `CommitLog`.
    """
    version, *lines = file.read_bytes().split(b"\n")
    is_versioned = version[:1] == b"v" and version[1:].isdigit()
    least = 2 if file.parent.name == "offsets" else 1
    return is_versioned and len(lines) >= least and all(x == b"-" or _is_json(x) for x in lines)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
