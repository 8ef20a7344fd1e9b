"""The conservation laws as SQL: what `deskwheel audit` runs, and what a person can run again.

Each statement reads Delta tables at fixed versions and the offsets that Kafka reported. They keep
to what DataFusion (which the audit uses, without a JVM) and Spark SQL understand alike; a test runs
both. A statement of `BREACHES` returns the rows that break its law, and none where it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pyarrow as pa

from deskwheel import lake
from deskwheel.reading import EXAMPLES_READ, Ends
from deskwheel.records import ExampleVerdict, IntakeVerdict
from deskwheel.schema import arrow_schema
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, TURNS, VALIDATED, Table
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC

Offsets = Mapping[str, Mapping[int, tuple[int, int]]]
"""Topic → partition → [first offset kept, offset after the last)."""

TABLES: tuple[Table, ...] = (VALIDATED, EXAMPLES, CONVERSATIONS, TURNS, FEEDBACK)
"""In the order in which their versions are read: what is made out of another table comes first, so
that a row without its source is never taken for one of a job that is a moment ahead."""

VIEWS: tuple[tuple[str, Table], ...] = (*((t.name, t) for t in TABLES), (EXAMPLES_READ, EXAMPLES))
"""What the statements name: the tables, and `examples` once more as far as the gate had read it."""

PENDING_NAMED = 1_000
"""Pending examples that are named; all are counted."""

EVENT_VERDICTS: tuple[str, ...] = get_args(IntakeVerdict)
EXAMPLE_VERDICTS: tuple[str, ...] = get_args(ExampleVerdict)


@dataclass(frozen=True)
class Law:
    """One law and the statement that finds what breaks it."""

    name: str
    says: str
    sql: str


# One row an event: the rows of an event differ in position (and an ending in `is_closing`), so two
# rows that differ in neither are the same event read twice. Counted is from the first row on, even
# where Kafka has let go of it: what lies between two rows was never read, however old it is. Where
# a commit names offsets beyond the newest row (`read_end`), rows were there and are gone.
_EVENTS = """WITH kafka (topic, part, first_offset, end_offset, read_end) AS ({offsets}),
per_row AS (
  SELECT source['topic'] AS topic, source['partition'] AS part, source['offset'] AS pos,
    count(*) AS copies, min(verdict) AS low, max(verdict) AS high
  FROM turns
  GROUP BY source['topic'], source['partition'], source['offset'], position, is_closing
  UNION ALL
  SELECT source['topic'] AS topic, source['partition'] AS part, source['offset'] AS pos,
    count(*) AS copies, min(verdict) AS low, max(verdict) AS high
  FROM feedback
  GROUP BY source['topic'], source['partition'], source['offset']
), events AS (
  SELECT topic, part, pos, max(copies) AS copies, min(low) AS low, max(high) AS high
  FROM per_row GROUP BY topic, part, pos
), counted AS (
  SELECT e.topic, e.part, e.pos, e.copies, e.low, e.high, k.first_offset
  FROM events e JOIN kafka k ON e.topic = k.topic AND e.part = k.part
  WHERE e.pos < k.end_offset
), ends AS (
  SELECT k.topic, k.part, k.first_offset, k.end_offset, k.read_end,
    least(coalesce(min(c.pos), k.first_offset), k.first_offset) AS begin_offset,
    coalesce(max(c.pos) + 1, k.first_offset) AS row_end
  FROM kafka k LEFT JOIN counted c ON c.topic = k.topic AND c.part = k.part
  GROUP BY k.topic, k.part, k.first_offset, k.end_offset, k.read_end
), bounds AS (
  SELECT topic, part, begin_offset, end_offset, row_end,
    greatest(row_end, least(read_end, end_offset)) AS known_end
  FROM ends
)"""

BALANCE = Law(
    "balance",
    "Per topic-partition, offsets = accepted + rejected + duplicate + faulty + missing + pending.",
    """{events}
SELECT b.topic, b.part, b.begin_offset, b.end_offset,
  sum(CASE WHEN c.copies = 1 AND c.low = c.high AND c.low = 'accepted' THEN 1 ELSE 0 END)
    AS accepted,
  sum(CASE WHEN c.copies = 1 AND c.low = c.high AND c.low = 'rejected' THEN 1 ELSE 0 END)
    AS rejected,
  sum(CASE WHEN c.copies = 1 AND c.low = c.high AND c.low = 'duplicate' THEN 1 ELSE 0 END)
    AS duplicate,
  sum(CASE WHEN c.pos IS NULL THEN 0
    WHEN c.copies = 1 AND c.low = c.high AND c.low IN ({event_verdicts}) THEN 0
    ELSE 1 END) AS faulty,
  b.known_end - b.begin_offset - count(c.pos) AS missing,
  b.end_offset - b.known_end AS pending,
  sum(CASE WHEN c.pos < c.first_offset THEN 1 ELSE 0 END) AS expired
FROM bounds b LEFT JOIN counted c ON c.topic = b.topic AND c.part = b.part
GROUP BY b.topic, b.part, b.begin_offset, b.end_offset, b.known_end
ORDER BY b.topic, b.part""",
)

VERDICTS = Law(
    "verdicts",
    "Candidates = those with each verdict + faulty + lost + pending; erased ones that are gone are"
    " no candidates.",
    """WITH candidates AS (
  SELECT DISTINCT example_id FROM examples
), judged AS (
  SELECT example_id, count(*) AS copies, min(verdict) AS verdict
  FROM validated_examples GROUP BY example_id
), had_read AS (
  SELECT DISTINCT example_id FROM examples_read
), found AS (
  SELECT c.example_id, CASE
    WHEN j.example_id IS NULL AND r.example_id IS NULL THEN 'pending'
    WHEN j.example_id IS NULL THEN 'lost'
    WHEN j.copies > 1 OR j.verdict NOT IN ({example_verdicts}) THEN 'faulty'
    ELSE j.verdict END AS verdict
  FROM candidates c LEFT JOIN judged j ON j.example_id = c.example_id
    LEFT JOIN had_read r ON r.example_id = c.example_id
)
SELECT verdict, count(*) AS candidates FROM found GROUP BY verdict
UNION ALL
SELECT 'candidates' AS verdict, count(*) AS candidates FROM candidates
UNION ALL
SELECT 'gone' AS verdict, count(*) AS candidates
FROM judged j LEFT JOIN candidates c ON c.example_id = j.example_id
WHERE c.example_id IS NULL AND j.verdict = 'erased'""",
)

PENDING = Law(
    "pending",
    f"Candidates that the gate has not come to, the first {PENDING_NAMED}; nothing is wrong yet.",
    """SELECT DISTINCT e.example_id
FROM examples e LEFT JOIN validated_examples v ON v.example_id = e.example_id
  LEFT JOIN examples_read r ON r.example_id = e.example_id
WHERE v.example_id IS NULL AND r.example_id IS NULL
ORDER BY e.example_id LIMIT {pending_named}""",
)

COUNTS: tuple[Law, ...] = (BALANCE, VERDICTS, PENDING)
"""What is counted whether or not something is wrong."""

BREACHES: tuple[Law, ...] = (
    Law(
        "EVENT_LOST",
        "No offset is without a row that lies before one with a row, or before one that a commit"
        " names.",
        """{events}, places AS (
  SELECT topic, part, pos FROM counted
  UNION ALL
  SELECT topic, part, known_end AS pos FROM bounds WHERE known_end > row_end
), gaps AS (
  SELECT p.topic, p.part, p.pos,
    coalesce(lag(p.pos) OVER (PARTITION BY p.topic, p.part ORDER BY p.pos), b.begin_offset - 1)
      AS before
  FROM places p JOIN bounds b ON b.topic = p.topic AND b.part = p.part
)
SELECT topic, part, before + 1 AS first_missing, pos - 1 AS last_missing
FROM gaps WHERE pos > before + 1
ORDER BY topic, part, pos""",
    ),
    Law(
        "EVENT_READ_TWICE",
        "No event has two rows of the same position.",
        """{events}
SELECT topic, part, pos, copies FROM counted
WHERE copies > 1 AND low = high
ORDER BY topic, part, pos""",
    ),
    Law(
        "EVENT_WITH_TWO_VERDICTS",
        "All rows of an event have the same verdict.",
        """{events}
SELECT topic, part, pos, low, high FROM counted
WHERE low <> high
ORDER BY topic, part, pos""",
    ),
    Law(
        "EVENT_VERDICT_UNKNOWN",
        "An event is accepted, rejected or a duplicate.",
        """{events}
SELECT topic, part, pos, low AS verdict FROM counted
WHERE low = high AND low NOT IN ({event_verdicts})
ORDER BY topic, part, pos""",
    ),
    Law(
        "PARTITION_UNKNOWN",
        "Every row comes from a topic-partition that Kafka has.",
        """{events}
SELECT e.topic, e.part, count(*) AS events
FROM events e LEFT JOIN kafka k ON e.topic = k.topic AND e.part = k.part
WHERE k.topic IS NULL
GROUP BY e.topic, e.part
ORDER BY e.topic, e.part""",
    ),
    Law(
        "VERSION_TWICE",
        "A conversation has each version once.",
        """SELECT conversation_id, version, count(*) AS copies
FROM conversations GROUP BY conversation_id, version HAVING count(*) > 1
ORDER BY conversation_id, version""",
    ),
    Law(
        "VERDICT_TWICE",
        "A candidate has one row among the validated examples.",
        """SELECT example_id, count(*) AS copies
FROM validated_examples GROUP BY example_id HAVING count(*) > 1
ORDER BY example_id""",
    ),
    Law(
        "VERDICT_UNKNOWN",
        "A verdict is one that the gate or an erasure gives.",
        """SELECT DISTINCT example_id, verdict
FROM validated_examples WHERE verdict NOT IN ({example_verdicts})
ORDER BY example_id, verdict""",
    ),
    Law(
        "VERDICT_LOST",
        "A candidate that the gate had read has a row among the validated examples.",
        """SELECT DISTINCT e.example_id
FROM examples e JOIN examples_read r ON r.example_id = e.example_id
  LEFT JOIN validated_examples v ON v.example_id = e.example_id
WHERE v.example_id IS NULL
ORDER BY e.example_id""",
    ),
    Law(
        "VERDICT_WITHOUT_EXAMPLE",
        "A verdict belongs to a candidate; erasure alone removes the candidate and keeps it.",
        """SELECT v.example_id, v.verdict
FROM validated_examples v LEFT JOIN examples e ON e.example_id = v.example_id
WHERE e.example_id IS NULL AND v.verdict <> 'erased'
ORDER BY v.example_id""",
    ),
    Law(
        "CONTENT_VALID_TWICE",
        "Of examples of a kind with the same content at most one is valid.",
        """SELECT content_hash, kind, count(*) AS copies, min(example_id) AS one,
  max(example_id) AS other
FROM validated_examples WHERE verdict = 'valid'
GROUP BY tenant, kind, content_hash, rejected_response HAVING count(DISTINCT example_id) > 1
ORDER BY content_hash""",
    ),
    Law(
        "GROUP_VALID_TWICE",
        "Of near-duplicates that ask and answer the same, a group, at most one is valid.",
        """SELECT group_id, count(DISTINCT example_id) AS copies, min(example_id) AS one,
  max(example_id) AS other
FROM validated_examples WHERE verdict = 'valid' AND group_id IS NOT NULL
GROUP BY group_id HAVING count(DISTINCT example_id) > 1
ORDER BY group_id""",
    ),
    Law(
        "CLUSTER_IN_TWO_SPLITS",
        "The valid examples of a cluster of near-duplicates lie in one split.",
        """SELECT cluster_id, count(DISTINCT split) AS splits, min(example_id) AS one,
  max(example_id) AS other
FROM validated_examples WHERE verdict = 'valid' AND cluster_id IS NOT NULL
GROUP BY cluster_id HAVING count(DISTINCT split) > 1
ORDER BY cluster_id""",
    ),
)


def statement(law: Law, offsets: Offsets, *, ends: Ends) -> str:
    """The SQL of a law with the offsets in it, and how far commits say that their tables go."""
    filled = {
        "{events}": _EVENTS,
        "{offsets}": _values(offsets, ends),
        "{event_verdicts}": _quoted(EVENT_VERDICTS),
        "{example_verdicts}": _quoted(EXAMPLE_VERDICTS),
        "{pending_named}": str(PENDING_NAMED),
    }
    sql = law.sql
    for name, text in filled.items():
        sql = sql.replace(name, text)
    return sql


def script(
    lake_dir: str | Path, versions: Mapping[str, int | None], offsets: Offsets, *, ends: Ends
) -> str:
    """Every law as a Spark SQL script over the same tables, versions and offsets.

    For other engines replace the views on top: the statements name tables, not files.
    """
    lines = [
        "-- The conservation laws of deskwheel: counts first, then what breaks a law (no rows:"
    ]
    lines += ["-- it holds). Run it with Spark SQL and Delta, or put other views on top.", ""]
    for name, table in VIEWS:
        path = lake.table_path(Path(lake_dir).resolve(), table)
        version = versions.get(name)
        if version is None:
            lines += [f"-- {name}: nothing of it is there yet.", *_empty_view(name, table)]
        else:
            lines.append(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT *")
            lines.append(f"  FROM delta.`{path}` VERSION AS OF {version};")
    for law in (*COUNTS, *BREACHES):
        lines += ["", f"-- {law.name}: {law.says}", f"{statement(law, offsets, ends=ends)};"]
    return "\n".join(lines)


def _empty_view(name: str, table: Table) -> list[str]:
    """A view with the table's columns and no row."""
    columns = [f"CAST(NULL AS {_sql_type(f.type)}) AS {f.name}" for f in arrow_schema(table.record)]
    return [
        f"CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT",
        *(f"  {column}," for column in columns[:-1]),
        f"  {columns[-1]} WHERE 1 = 0;",
    ]


def _sql_type(kind: pa.DataType) -> str:
    """Spark's name of a type that records have."""
    if pa.types.is_struct(kind):
        return f"STRUCT<{', '.join(f'{f.name}: {_sql_type(f.type)}' for f in kind)}>"
    if pa.types.is_map(kind):
        return f"MAP<{_sql_type(kind.key_type)}, {_sql_type(kind.item_type)}>"
    if pa.types.is_list(kind):
        return f"ARRAY<{_sql_type(kind.value_type)}>"
    return "TIMESTAMP" if pa.types.is_timestamp(kind) else _SQL_TYPES[str(kind)]


_SQL_TYPES = {
    "string": "STRING", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN",
    "binary": "BINARY",
}  # fmt: skip


def counted(offsets: Offsets, topics: Sequence[str]) -> dict[str, dict[int, tuple[int, int]]]:
    """The offsets of the topics whose events must have rows: raw ones, and feedback."""
    wanted = {*topics, FEEDBACK_TOPIC.name}
    return {topic: dict(parts) for topic, parts in offsets.items() if topic in wanted}


def _values(offsets: Offsets, ends: Ends) -> str:
    rows = [
        f"('{topic}', {partition}, {begin}, {end}, {ends.get(topic, {}).get(partition, 0)})"
        for topic, partitions in sorted(offsets.items())
        for partition, (begin, end) in sorted(partitions.items())
    ]
    if rows:
        return "VALUES " + ", ".join(rows)
    return (
        "SELECT '' AS topic, 0 AS part, 0 AS first_offset, 0 AS end_offset, 0 AS read_end"
        " WHERE 1 = 0"
    )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
