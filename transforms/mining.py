"""Conversations to examples: the stream that mines each closed conversation version.

Reads the table `conversations`, writes the table `examples`, one Delta commit a micro-batch.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from deskwheel import lake
from deskwheel.marks import Edit
from deskwheel.records import Conversation, Redaction, Utterance
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES
from transforms.pairs.mine import mine_pairs
from transforms.session import gathered, incarnation, spark_schema, start_query, write_once

NAME = "examples"
LOOK_S = 1.0
"""How often it looks for new versions, where `transforms.interval_s` is longer: a look that finds
none costs next to nothing, and an example need not wait for a third interval."""


def start_mining(spark: SparkSession, settings: Settings, *, once: bool = False) -> StreamingQuery:
    """Start the stream; with `once` it stops when it has read what is there now.

    Raises:
        LineageError: the stream checkpoint does not continue the table.
    """
    source = lake.ensure(settings.pipeline.lake, CONVERSATIONS)
    lake.ensure(settings.pipeline.lake, EXAMPLES)
    checkpoint = Path(settings.transforms.checkpoint_dir).absolute() / NAME
    app_id = incarnation(settings.pipeline.lake, EXAMPLES, checkpoint, NAME)

    def write(frame: DataFrame, batch_id: int) -> None:
        frame = frame.mapInArrow(_mine, spark_schema(EXAMPLES.record))
        write_once(
            gathered(frame),
            settings.pipeline.lake,
            EXAMPLES,
            app_id=app_id,
            batch_id=batch_id,
            metadata={},
            compact_commits=settings.transforms.compact_commits,
        )

    writer = (
        spark.readStream.format("delta")
        .load(str(source))
        .writeStream.foreachBatch(write)
        .option("checkpointLocation", str(checkpoint))
        .queryName(NAME)
    )
    interval_s = min(settings.transforms.interval_s, LOOK_S)
    return start_query(writer, interval_s=None if once else interval_s)


def _mine(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        mined = [example for row in batch.to_pylist() for example in mine_pairs(_conversation(row))]
        yield from to_table(mined, EXAMPLES.record).to_batches()


def _conversation(row: dict[str, Any]) -> Conversation:
    row = dict(row)
    row["utterances"] = [Utterance(**u) for u in row["utterances"]]
    counts = row["redaction"]["counts"]
    row["redaction"] = Redaction(version=row["redaction"]["version"], counts=dict(counts))
    row["edits"] = row["edits"] and [Edit(**e) for e in row["edits"]]
    row["thumbs"] = row["thumbs"] and dict(row["thumbs"])
    return Conversation(**row)
