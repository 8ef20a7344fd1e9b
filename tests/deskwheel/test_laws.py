"""Each law finds what breaks it, and says the same in Spark SQL."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deskwheel import lake, laws
from deskwheel.audit import Audit, conservation
from deskwheel.tables import CONVERSATIONS, FEEDBACK, VALIDATED
from tests.deskwheel.audited import Judging, audited, turn, write_turns
from tests.deskwheel.rows import rows_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Row = dict[str, Any]


def broken_lake(tmp_path: Path) -> laws.Offsets:
    """A lake that breaks every law, and the offsets to audit it by."""
    write_turns(
        tmp_path,
        *(turn(0), turn(2), turn(2), turn(3), turn(3, "rejected", position=1), turn(4)),
        turn(5, "odd"),
        turn(0, source={"topic": "raw.fax", "partition": 7, "offset": 5}),
    )
    feedback = {"source": {"topic": "feedback", "partition": 0, "offset": 0}, "verdict": "accepted"}
    lake.append(tmp_path, FEEDBACK, rows_of(FEEDBACK, [feedback]))
    twice = [{"conversation_id": "c", "version": 1}] * 2
    lake.append(tmp_path, CONVERSATIONS, rows_of(CONVERSATIONS, twice))
    judging = Judging(tmp_path)
    judging.mine("abl")
    judging.mine("op")
    judging.judge("", reached=2)
    odd = {"example_id": "o", "verdict": "odd"}
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, [odd]))
    verdicts = [
        {
            "example_id": i, "verdict": "valid", "kind": "ideal", "content_hash": "h",
            "cluster_id": "a", "group_id": "a", "split": "dev" if i == "s" else "train",
        }
        for i in "aabs"
    ]  # fmt: skip
    lake.append(tmp_path, VALIDATED, rows_of(VALIDATED, verdicts))
    return {"raw.chat": {0: (0, 8)}, "feedback": {0: (0, 1)}}


def test_every_law_can_be_broken(tmp_path: Path) -> None:
    audit = conservation(tmp_path, broken_lake(tmp_path))
    assert list(audit.breaches) == [law.name for law in laws.BREACHES]
    assert len(audit.problems) == len(laws.BREACHES)


def answers_of_spark(spark: "SparkSession", lake_path: Path, audit: Audit) -> list[list[Row]]:
    """What the statements of the script give, one after the other."""
    script = laws.script(lake_path, audit.versions, audit.read_offsets, ends=audit.read_ends)
    bare = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    answers = []
    for part in filter(None, (p.strip() for p in bare.split(";"))):
        found = spark.sql(part)
        if not part.startswith("CREATE"):
            answers.append([row.asDict() for row in found.collect()])
    return answers


@pytest.mark.kafka
def test_a_person_with_spark_sql_finds_the_same_rows(tmp_path: Path, spark: "SparkSession") -> None:
    audit = conservation(tmp_path, broken_lake(tmp_path))
    balance, verdicts, pending, *broken = answers_of_spark(spark, tmp_path, audit)
    named = dict(zip((law.name for law in laws.BREACHES), broken, strict=True))
    assert named == dict(audit.breaches)
    assert [(r["topic"], r["accepted"], r["faulty"], r["missing"]) for r in balance] == [
        (r.topic, r.accepted, r.faulty, r.missing) for r in audit.partitions
    ]
    counts = {r["verdict"]: r["candidates"] for r in verdicts}
    assert counts.pop("candidates") == sum(counts.values()) - counts["gone"]
    assert counts["pending"] == audit.examples.pending
    assert tuple(r["example_id"] for r in pending) == audit.examples.pending_ids


@pytest.mark.kafka
def test_the_script_runs_where_tables_are_not_there_yet(
    tmp_path: Path, spark: "SparkSession"
) -> None:
    write_turns(tmp_path, turn(0))
    audit = audited(tmp_path, 1)
    assert audit.versions["feedback"] is None
    (balance, *_, last) = answers_of_spark(spark, tmp_path, audit)
    assert (balance[0]["accepted"], last) == (1, [])
