"""After a backfill's merge: versions go on above it, and mining, gate and audit follow."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from benchmarks.transforms_sessionize import chats, rows_of
from deskwheel import lake
from deskwheel.audit import Audit, conservation
from deskwheel.records import Conversation, Redaction, Turn
from deskwheel.schema import arrow_schema, to_table
from deskwheel.settings import Settings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, TURNS, VALIDATED, Table
from tests.places import settings_in
from transforms.backfill.merge import merge
from transforms.backfill.shadow import MANIFEST, shadow_settings
from transforms.conversations import catch_up, start_conversations
from transforms.merged import MERGED_BATCH, Merged
from transforms.mining import start_mining
from transforms.session import spark_schema
from transforms.turns import Rules
from validate.gate import compile_gate, start

pytestmark = pytest.mark.timeout(600)

MOMENT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = b"k"


def conversation(name: str, version: int, batch_id: int) -> Conversation:
    return Conversation(
        conversation_id=name, version=version, tenant="acme", channel="chat", subject_key=None,
        agent_key=None, opened_at=MOMENT, closed_at=MOMENT, close_reason="idle", utterances=[],
        status=None, csat=None, resolution_probability=0.0, resolution="unresolved", evidence=[],
        category="OTHER", sentiment="neutral", redaction=Redaction(version="r", counts={}),
        ruleset_version="r", code_version="c", batch_id=batch_id,
    )  # fmt: skip


def write(folder: str, *rows: Conversation) -> None:
    lake.append(folder, CONVERSATIONS, to_table(rows, Conversation))


def numbered(spark: SparkSession, merged: Merged, *rows: Conversation) -> dict[str, int]:
    """Versions that the rows of a batch get, in Arrow as in a frame."""
    table = to_table(rows, Conversation)
    frame = spark.createDataFrame(table, spark_schema(Conversation))
    found = [merged.count_above(table).to_pylist(), merged.count_above(frame).collect()]
    by_arrow, by_spark = ({r["conversation_id"]: r["version"] for r in rows} for rows in found)
    assert by_arrow == by_spark
    return by_arrow


def test_a_version_after_merges_is_above_all_and_the_same_in_a_replay(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = str(tmp_path)
    write(folder, conversation("a", 1, 0), conversation("b", 1, 0))
    merged = Merged(folder)
    batch = (conversation("a", 2, 5), conversation("a.2", 1, 5), conversation("b", 2, 5))
    assert numbered(spark, Merged(folder), *batch) == {"a": 2, "a.2": 1, "b": 2}
    write(folder, conversation("a", 2, MERGED_BATCH))
    write(folder, conversation("a", 3, MERGED_BATCH))
    expected = {"a": 4, "a.2": 1, "b": 2}
    assert numbered(spark, merged, *batch) == expected
    write(folder, conversation("a", 4, 5), conversation("b", 2, 5))
    assert numbered(spark, merged, *batch) == expected
    assert numbered(spark, Merged(folder), conversation("a", 3, 6)) == {"a": 5}


class Wheel:
    """The stages between turns and verdicts, over a lake that no broker fills."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark, self.settings, self.offset = spark, settings, 0

    def tell(self, turns: list[Turn]) -> None:
        """More turns, each at the next offset of its topic."""
        placed = []
        for turn in turns:
            placed.append(replace(turn, source=replace(turn.source, offset=self.offset)))
            self.offset += 1
        lake.append(self.settings.pipeline.lake, TURNS, to_table(placed, Turn))

    def follow(self) -> None:
        """Let every stage read what is there."""
        s = self.settings
        catch_up(start_conversations(self.spark, s, SECRET, once=True))
        start_mining(self.spark, s, once=True).awaitTermination()
        gate = compile_gate(
            self.spark, s, app_id="gate:1", now=lambda: MOMENT, report=lambda _judged: None
        )
        checkpoint = Path(s.transforms.checkpoint_dir) / "gate"
        start(self.spark, gate, checkpoint, interval_s=None).awaitTermination()

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return lake.read(self.settings.pipeline.lake, table).to_pylist()

    def audit(self) -> Audit:
        return conservation(self.settings.pipeline.lake, {"raw.chat": {0: (0, self.offset)}})

    def verdicts(self) -> Counter[tuple[int, bool]]:
        """How many examples of each version, and whether they are superseded."""
        return Counter(
            (r["conversation_version"], r["verdict"] == "superseded") for r in self.rows(VALIDATED)
        )


def shadow_of(wheel: Wheel, folder: Path) -> None:
    """What a backfill leaves in its folder, where today's rules name another category."""
    shadow = shadow_settings(wheel.settings, folder)
    rows = [r | {"version": r["version"] + 1, "batch_id": 0} for r in wheel.rows(CONVERSATIONS)]
    changed = [r | {"category": "OTHER"} for r in rows]
    table = pa.Table.from_pylist(changed, arrow_schema(Conversation))
    lake.append(shadow.pipeline.lake, CONVERSATIONS, table)
    lake.ensure(shadow.pipeline.lake, EXAMPLES)
    (folder / MANIFEST).write_text(json.dumps({}), encoding="utf-8")


@pytest.mark.slow
def test_after_a_merge_the_old_examples_are_superseded_and_the_books_balance(
    spark: SparkSession, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, idle_close_s=0.0, close_grace_s=0.0)
    wheel = Wheel(spark, settings)
    turns = rows_of(list(chats(21)), Rules.of(settings, SECRET))
    late = [t for t in turns if t.conversation_id == turns[-1].conversation_id][-1:]
    wheel.tell([t for t in turns if t not in late])
    wheel.follow()
    before = wheel.verdicts()
    assert before
    assert {version for version, _ in before} == {1}

    folder = tmp_path / "shadow"
    folder.mkdir()
    shadow_of(wheel, folder)
    assert merge(spark, settings, folder, as_json=True) == 0
    wheel.follow()
    mined = Counter(r["conversation_version"] for r in wheel.rows(EXAMPLES))
    assert mined[2] == mined[1]
    after = wheel.verdicts()
    assert after == {(1, True): mined[1], (2, False): mined[2]}
    assert wheel.audit().is_balanced, wheel.audit()

    wheel.tell(late)
    wheel.follow()
    versions = [(r["conversation_id"], r["version"]) for r in wheel.rows(CONVERSATIONS)]
    assert len(versions) == len(set(versions))
    assert (late[0].conversation_id, 3) in versions
    of_late = [r for r in wheel.rows(VALIDATED) if r["conversation_id"] == late[0].conversation_id]
    assert of_late
    assert {r["conversation_version"]: r["verdict"] == "superseded" for r in of_late} == {
        1: True, 2: True, 3: False,
    }  # fmt: skip
    assert wheel.audit().is_balanced, wheel.audit()
