"""The conservation laws as SQL: what `deskwheel audit` runs, and what a person can run again.

Each statement reads Delta tables at fixed versions and the offsets that Kafka reported. They keep
to what DataFusion (which the audit uses, without a JVM) and Spark SQL understand alike; a test runs
both. A statement of `BREACHES` returns the rows that break its law, and none where it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deskwheel import lake
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, TURNS, VALIDATED, Table
from deskwheel.topics import FEEDBACK as FEEDBACK_TOPIC

Offsets = Mapping[str, Mapping[int, tuple[int, int]]]
"""Topic → partition → [first offset kept, offset after the last)."""

TABLES: tuple[Table, ...] = (VALIDATED, EXAMPLES, CONVERSATIONS, TURNS, FEEDBACK)
"""In the order in which their versions are read: what is made out of another table comes first, so
that a row without its source is never taken for one of a job that is a moment ahead."""


@dataclass(frozen=True)
class Law:
    """One law and the statement that finds what breaks it."""

    name: str
    says: str
    sql: str


# One row an event: the rows of an event differ in position (and an ending in `is_closing`), so two
# rows that differ in neither are the same event read twice.
_EVENTS = """WITH kafka (topic, part, first_offset, end_offset) AS ({offsets}),
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
), kept AS (
  SELECT e.topic, e.part, e.pos, e.copies, e.low, e.high, k.first_offset
  FROM events e JOIN kafka k ON e.topic = k.topic AND e.part = k.part
  WHERE e.pos >= k.first_offset AND e.pos < k.end_offset
)"""

BALANCE = Law(
    "balance",
    "Per topic-partition, offsets = accepted + rejected + duplicate (+ those not read yet).",
    """{events}
SELECT k.topic, k.part, k.first_offset, k.end_offset,
  sum(CASE WHEN e.copies = 1 AND e.low = e.high AND e.low = 'accepted' THEN 1 ELSE 0 END)
    AS accepted,
  sum(CASE WHEN e.copies = 1 AND e.low = e.high AND e.low = 'rejected' THEN 1 ELSE 0 END)
    AS rejected,
  sum(CASE WHEN e.copies = 1 AND e.low = e.high AND e.low = 'duplicate' THEN 1 ELSE 0 END)
    AS duplicate,
  count(e.pos) AS seen,
  coalesce(max(e.pos), k.first_offset - 1) AS last_offset
FROM kafka k LEFT JOIN kept e ON e.topic = k.topic AND e.part = k.part
GROUP BY k.topic, k.part, k.first_offset, k.end_offset
ORDER BY k.topic, k.part""",
)

EXPIRED = Law(
    "expired",
    "Rows whose events Kafka no longer keeps, per topic-partition; nothing is wrong with them.",
    """{events}
SELECT e.topic, e.part, count(*) AS expired
FROM events e JOIN kafka k ON e.topic = k.topic AND e.part = k.part
WHERE e.pos < k.first_offset
GROUP BY e.topic, e.part""",
)

VERDICTS = Law(
    "verdicts",
    "Distinct candidates by verdict; those of `examples` without one are pending.",
    """SELECT v.verdict, count(DISTINCT v.example_id) AS candidates
FROM validated_examples v GROUP BY v.verdict
UNION ALL
SELECT 'pending' AS verdict, count(DISTINCT e.example_id) AS candidates
FROM examples e LEFT JOIN validated_examples v ON v.example_id = e.example_id
WHERE v.example_id IS NULL
UNION ALL
SELECT 'candidates' AS verdict, count(DISTINCT e.example_id) AS candidates FROM examples e""",
)

COUNTS: tuple[Law, ...] = (BALANCE, EXPIRED, VERDICTS)
"""What is counted whether or not something is wrong."""

BREACHES: tuple[Law, ...] = (
    Law(
        "EVENT_LOST",
        "No offset below the newest one with a row is without a row.",
        """{events},
gaps AS (
  SELECT topic, part, pos,
    coalesce(lag(pos) OVER (PARTITION BY topic, part ORDER BY pos), first_offset - 1) AS before
  FROM kept
)
SELECT topic, part, before + 1 AS first_missing, pos - 1 AS last_missing
FROM gaps WHERE pos > before + 1
ORDER BY topic, part, pos""",
    ),
    Law(
        "EVENT_READ_TWICE",
        "No event has two rows of the same position.",
        """{events}
SELECT topic, part, pos, copies FROM kept
WHERE copies > 1 AND low = high
ORDER BY topic, part, pos""",
    ),
    Law(
        "EVENT_WITH_TWO_VERDICTS",
        "All rows of an event have the same verdict.",
        """{events}
SELECT topic, part, pos, low, high FROM kept
WHERE low <> high
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


def statement(law: Law, offsets: Offsets) -> str:
    """The SQL of a law with the offsets in it."""
    return law.sql.replace("{events}", _EVENTS).replace("{offsets}", _values(offsets))


def script(lake_dir: str | Path, versions: Mapping[str, int | None], offsets: Offsets) -> str:
    """Every law as a Spark SQL script over the same tables, versions and offsets.

    For other engines replace the views on top: the statements name tables, not files.
    """
    lines = [
        "-- The conservation laws of deskwheel: counts first, then what breaks a law (no rows:"
    ]
    lines += ["-- it holds). Run it with Spark SQL and Delta, or put other views on top.", ""]
    for table in TABLES:
        path = lake.table_path(Path(lake_dir).resolve(), table)
        version = versions.get(table.name)
        if version is None:
            lines.append(f"-- {table.name} did not exist yet; statements that name it fail.")
        else:
            lines.append(f"CREATE OR REPLACE TEMPORARY VIEW {table.name} AS SELECT *")
            lines.append(f"  FROM delta.`{path}` VERSION AS OF {version};")
    for law in (*COUNTS, *BREACHES):
        lines += ["", f"-- {law.name}: {law.says}", f"{statement(law, offsets)};"]
    return "\n".join(lines)


def counted(offsets: Offsets, topics: Sequence[str]) -> dict[str, dict[int, tuple[int, int]]]:
    """The offsets of the topics whose events must have rows: raw ones, and feedback."""
    wanted = {*topics, FEEDBACK_TOPIC.name}
    return {topic: dict(parts) for topic, parts in offsets.items() if topic in wanted}


def _values(offsets: Offsets) -> str:
    rows = [
        f"('{topic}', {partition}, {begin}, {end})"
        for topic, partitions in sorted(offsets.items())
        for partition, (begin, end) in sorted(partitions.items())
    ]
    if rows:
        return "VALUES " + ", ".join(rows)
    return "SELECT '' AS topic, 0 AS part, 0 AS first_offset, 0 AS end_offset WHERE 1 = 0"
