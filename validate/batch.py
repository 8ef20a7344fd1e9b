"""A batch of examples, read once, and its rows with their verdicts as the commit wants them.

Where a batch fits into this process, its text lies beside its keys in Arrow and the commit is made
without Spark, which costs half the CPU time (docs/decisions.md). A larger batch, and one that
changes stored rows, is read a second time and written by Spark. Reads and writes no table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import ArrayType, BinaryType, DataType, MapType, StructField, StructType

from deskwheel.schema import arrow_schema
from deskwheel.tables import EXAMPLES, VALIDATED
from transforms.session import gathered, spark_schema
from validate.batch_rules import row_numbers
from validate.candidates import Decision
from validate.compile import RowRules, complete
from validate.compiled import compiled_read
from validate.entries import KEYS, Entry
from validate.near import sign
from validate.returns import asked_pieces

COLUMNS = (*KEYS, "category", "channel")
"""Of an example, what the gate must know of each."""


@dataclass(frozen=True)
class Batch:
    """What the gate must know of a batch's rows."""

    keys: list[dict[str, Any]]
    """Of every row: its keys, what it broke, its signature, and what the batch's rules need."""
    rows: pa.Table | None = None
    """The examples, row by row as in `keys`; None where they stay with Spark."""


def read_batch(frame: DataFrame, rules: RowRules) -> Batch:
    """Keys and text of every row of a batch; one Spark job reads, judges and signs them all.

    Args:
        frame: rows with the columns of `examples`, once or more often each, and rows of news.
        rules: what an example may break.
    """
    text = _text()
    found = _found(rules)
    with compiled_read(frame):
        whole = gathered(frame.select(*_named(text | found)))
    if not isinstance(whole, pa.Table):
        return Batch(read_keys(frame, rules))
    return Batch(whole.select([*COLUMNS, *found]).to_pylist(), whole.select([*text]))


def read_keys(frame: DataFrame, rules: RowRules) -> list[dict[str, Any]]:
    """Keys of every row, as in `Batch.keys`; its text never reaches this process."""
    with compiled_read(frame):
        return frame.select(*COLUMNS, *_named(_found(rules))).toArrow().to_pylist()


def _text() -> dict[str, Column]:
    """The columns of an example.

    What is in a struct may be null here: where a row of news has none, all of it is.
    """
    columns = {}
    for field in spark_schema(EXAMPLES.record):
        columns[field.name] = F.col(field.name)
        if isinstance(field.dataType, StructType):
            columns[field.name] = columns[field.name].cast(_nullable(field.dataType))
    return columns


def _nullable(kind: DataType) -> DataType:
    """The type with everything in it nullable, to which any of its kind can be cast."""
    if isinstance(kind, StructType):
        return StructType([StructField(f.name, _nullable(f.dataType), nullable=True) for f in kind])
    if isinstance(kind, MapType):
        return MapType(kind.keyType, _nullable(kind.valueType), valueContainsNull=True)
    if isinstance(kind, ArrayType):
        return ArrayType(_nullable(kind.elementType), containsNull=True)
    return kind


def _named(columns: Mapping[str, Column]) -> list[Column]:
    return [column.alias(name) for name, column in columns.items()]


def _found(rules: RowRules) -> dict[str, Column]:
    """What is found out where a row's text is."""
    return {
        "rejected": F.sha2("rejected_response", 256),
        **row_numbers(),
        "reasons": rules.reasons(),
        "warnings": rules.warnings(),
        "signature": _sign("query", "response", "rejected_response"),
        "asked": _asked("query"),
    }


def new_rows(
    rows: pa.Table,
    warnings: Mapping[str, Sequence[str]],
    *,
    decisions: Mapping[str, Decision],
    fresh: Mapping[str, Entry],
    suite_version: str,
    now: datetime,
) -> pa.Table:
    """Rows to insert, one for each decision, all of them on examples of the batch; in its order.

    Args:
        rows: the examples of the batch.
        warnings: example id → rules of severity warn that it breaks, if any.
        decisions: by example id.
        fresh: entry by example id.
        suite_version: of the rules.
        now: when they were judged.
    """
    every = enumerate(rows["example_id"].to_pylist())
    places = {example_id: place for place, example_id in every if example_id in decisions}
    if len(places) < len(rows):
        rows = rows.take(pa.array(places.values(), pa.int64()))
    decided = _decided([*places], decisions, fresh, warnings)
    columns = {name: rows[name] for name in rows.column_names}
    columns |= {name: decided[name] for name in decided.column_names}
    columns["suite_version"] = pa.array([suite_version] * len(decided))
    columns["validated_at"] = pa.array([now] * len(decided))
    schema = arrow_schema(VALIDATED.record)
    empty = pa.nulls(len(decided))
    return pa.table([columns.get(f.name, empty).cast(f.type) for f in schema], schema=schema)


def warnings_of(keys: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Example id → rules of severity warn that it breaks, of those that break any."""
    return {k["example_id"]: k["warnings"] for k in keys if k["warnings"]}


def changed_rows(
    frame: DataFrame,
    keys: Sequence[Mapping[str, Any]],
    *,
    decisions: Mapping[str, Decision],
    fresh: Mapping[str, Entry],
    suite_version: str,
    now: datetime,
) -> DataFrame:
    """Rows to insert, whole, and rows to update, as id and verdict; `is_stored` tells them."""
    table = _decided([*decisions], decisions, fresh, warnings_of(keys))
    table = table.append_column("is_stored", pa.array([i not in fresh for i in decisions]))
    verdicts = frame.sparkSession.createDataFrame(table, from_arrow_schema(table.schema))
    examples = frame.where("example_id IS NOT NULL")
    if len(fresh) < sum(k["example_id"] is not None for k in keys):
        examples = examples.dropDuplicates(["example_id"])
    whole = examples.join(F.broadcast(verdicts.where("NOT is_stored")), "example_id").unionByName(
        verdicts.where("is_stored"), allowMissingColumns=True
    )
    return (
        complete(whole, spark_schema(VALIDATED.record))
        .withColumn("suite_version", F.lit(suite_version))
        .withColumn("validated_at", F.lit(now).cast("timestamp"))
        .select(*[f.name for f in spark_schema(VALIDATED.record)], "is_stored")
    )


def _decided(
    ids: Sequence[str],
    decisions: Mapping[str, Decision],
    fresh: Mapping[str, Entry],
    warnings: Mapping[str, Sequence[str]],
) -> pa.Table:
    """The columns that judging adds, by example id; of a stored example its verdict alone."""
    decided, entries = [decisions[i] for i in ids], [fresh.get(i) for i in ids]
    columns: dict[str, Sequence[Any]] = {
        "example_id": ids,
        "verdict": [d.verdict for d in decided],
        "reasons": [d.reasons for d in decided],
        "cluster_id": [d.place.cluster_id for d in decided],
        "group_id": [d.place.group_id for d in decided],
        "duplicate_of": [d.duplicate_of for d in decided],
        "warnings": [warnings.get(i, ()) if e else None for i, e in zip(ids, entries, strict=True)],
        "split": [e and e.candidate.split for e in entries],
        "signature": [e and e.signature for e in entries],
    }
    schema = arrow_schema(VALIDATED.record)
    fields = [schema.field(name).with_nullable(True) for name in columns]
    return pa.table(columns, schema=pa.schema(fields))


@F.arrow_udf(BinaryType())  # type: ignore[call-overload]
def _sign(query: pa.Array, response: pa.Array, rejected: pa.Array) -> pa.Array:
    texts = zip(*(column.to_pylist() for column in (query, response, rejected)), strict=True)
    signed = sign([t if t[2] is not None else t[:2] for t in texts])
    return pa.array(signed, pa.binary())


@F.arrow_udf(BinaryType())  # type: ignore[call-overload]
def _asked(query: pa.Array) -> pa.Array:
    return pa.array(map(asked_pieces, query.to_pylist()), pa.binary())
