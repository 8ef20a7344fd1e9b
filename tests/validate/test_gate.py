"""Every example gets one row with one verdict, whatever is replayed, on Spark and Delta."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.records import Conversation, Example, Redaction
from deskwheel.schema import to_table
from deskwheel.settings import PipelineSettings, Settings, ValidateSettings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, VALIDATED
from tests.validate.rows import NOON, example
from tests.validate.test_verdicts import Table
from transforms.session import spark_schema
from validate.gate import Gate, Judged, compile_gate, start
from validate.suite import suite_version
from validate.verdicts import Candidate

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def rules(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Column]:
    """The default suite, compiled once for all tests."""
    lake_dir = str(tmp_path_factory.mktemp("rules"))
    settings = Settings(pipeline=PipelineSettings(lake=lake_dir))
    return dict(compile_gate(spark, settings, app_id="x", now=lambda: NOW, report=print).rules)


class Bench:
    """A gate over a lake of its own, fed by hand."""

    def __init__(self, spark: SparkSession, rules: dict[str, Column], folder: Path) -> None:
        self.spark = spark
        self.lake = folder / "lake"
        self.reports: list[Judged] = []
        lake.ensure(self.lake, VALIDATED)
        self.gate = Gate(
            lake_dir=self.lake,
            settings=ValidateSettings(),
            rules=rules,
            app_id="validated_examples:1",
            now=lambda: NOW,
            report=self.reports.append,
        )

    def frame(self, rows: Iterable[Example], newer: dict[str, int] | None = None) -> DataFrame:
        """A micro-batch: examples, and news of conversation versions."""
        schema = spark_schema(Example)
        nullable = StructType([StructField(f.name, f.dataType, nullable=True) for f in schema])
        table = to_table(rows, Example)
        news = [
            (f"conv-{name}", version) for name, version in (newer or {}).items()
        ]  # fmt: skip
        examples = self.spark.createDataFrame(table).to(nullable)
        versions = self.spark.createDataFrame(
            news, "conversation_id string, conversation_version long"
        )
        return examples.unionByName(versions, allowMissingColumns=True)

    def judge(
        self, batch_id: int, *rows: Example, newer: dict[str, int] | None = None
    ) -> dict[str, str]:
        """Judge a batch and return the verdicts of the whole table."""
        self.gate(self.frame(rows, newer), batch_id)
        return self.verdicts()

    def rows(self) -> list[dict[str, Any]]:
        return lake.read(self.lake, VALIDATED).to_pylist()

    def verdicts(self) -> dict[str, str]:
        found = self.rows()
        assert len({row["example_id"] for row in found}) == len(found)
        return {row["example_id"]: row["verdict"] for row in found}

    def version(self) -> int | None:
        return lake.current_version(self.lake, VALIDATED)


@pytest.fixture
def bench(spark: SparkSession, rules: dict[str, Column], tmp_path: Path) -> Bench:
    return Bench(spark, rules, tmp_path)


def conversation(name: str, version: int) -> Conversation:
    return Conversation(
        conversation_id=f"conv-{name}", version=version, tenant="acme", channel="chat",
        subject_key=None, agent_key=None, opened_at=NOON, closed_at=NOON, close_reason="stated",
        utterances=[], status=None, csat=None, resolution_probability=0.9, resolution="resolved",
        evidence=[], category="SETUP", sentiment="neutral",
        redaction=Redaction(version="r1", counts={}), ruleset_version="r1", code_version="0.1.0",
        batch_id=0,
    )  # fmt: skip


def test_batch_is_one_commit_with_every_candidate_once(bench: Bench) -> None:
    before = bench.version() or 0
    found = bench.judge(
        0,
        example("a"),
        example("b", csat=1, has_needless_apology=True),
        example("c", content="a", minute=1),
        example("a"),
    )
    assert found == {"ex-a-1": "valid", "ex-b-1": "quarantined", "ex-c-1": "duplicate"}
    assert bench.version() == before + 1
    rows = {row["example_id"]: row for row in bench.rows()}
    assert rows["ex-b-1"]["reasons"] == ["RESPONSE_HAS_NEEDLESS_APOLOGY", "CSAT_LOW"]
    assert rows["ex-c-1"]["reasons"] == ["DUPLICATE_CONTENT"]
    good = rows["ex-a-1"]
    assert good["reasons"] == []
    assert good["suite_version"] == suite_version(ValidateSettings())
    assert good["validated_at"] == NOW
    assert good["query"] == example("a").query
    assert dict(good["redaction"]["counts"]) == {"EMAIL": 1}
    assert len({row["split"] for row in rows.values()}) == 1
    commit = lake.commits(bench.lake, VALIDATED)[-1]
    assert (commit["app"], commit["batch"]) == ("validated_examples:1", 0)
    assert commit["counts"] == {"valid": 1, "quarantined": 1, "duplicate": 1}


def test_replay_of_a_batch_adds_nothing(bench: Bench) -> None:
    first = bench.judge(0, example("a"), example("b"))
    version = bench.version()
    assert bench.judge(0, example("a"), example("b")) == first
    assert bench.version() == version
    assert len(bench.reports) == 1


def test_committed_batch_id_is_never_written_again(bench: Bench) -> None:
    bench.judge(0, example("a"), example("b", content="a", minute=1))
    bench.judge(1, example("a", version=2, content="new"))
    version = bench.version()
    assert "ex-c-1" not in bench.judge(1, example("c"))
    assert "ex-b-2" not in bench.judge(1, example("b", version=2))
    assert bench.version() == version


def test_newer_version_supersedes_and_revives_in_one_commit(bench: Bench) -> None:
    bench.judge(0, example("a"), example("b", content="a", minute=1), example("d", csat=1))
    before = bench.version() or 0
    found = bench.judge(
        1, example("a", version=2, content="new"), example("d", version=2), example("e")
    )
    assert found == {
        "ex-a-1": "superseded", "ex-a-2": "valid", "ex-b-1": "valid", "ex-d-1": "superseded",
        "ex-d-2": "valid", "ex-e-1": "valid",
    }  # fmt: skip
    assert bench.version() == before + 1
    rows = {row["example_id"]: row for row in bench.rows()}
    assert rows["ex-a-1"]["reasons"] == ["NEWER_VERSION"]
    assert rows["ex-b-1"]["reasons"] == []
    assert rows["ex-b-1"]["query"] == example("b").query
    assert bench.reports[-1].changed == 3
    assert lake.commits(bench.lake, VALIDATED)[-1]["batch"] == 1


def test_merge_leaves_no_transaction_behind(bench: Bench) -> None:
    bench.judge(0, example("a"))
    bench.judge(1, example("a", version=2))
    assert bench.judge(2, example("b"))["ex-b-1"] == "valid"
    bench.judge(3, example("b", version=2))
    assert [c["batch"] for c in lake.commits(bench.lake, VALIDATED)] == [0, 1, 2, 3]


def test_newer_version_without_example_supersedes(bench: Bench) -> None:
    bench.judge(0, example("a"), example("b", content="a", minute=1))
    assert bench.judge(1, newer={"a": 2}) == {"ex-a-1": "superseded", "ex-b-1": "valid"}
    version = bench.version()
    bench.judge(2, newer={"a": 3, "unheard": 2})
    assert bench.version() == version


def test_example_of_an_old_version_is_superseded_at_once(bench: Bench) -> None:
    newer = to_table([conversation("a", 1), conversation("a", 2)], Conversation)
    lake.append(bench.lake, CONVERSATIONS, newer)
    assert bench.judge(0, example("a"), example("b")) == {
        "ex-a-1": "superseded", "ex-b-1": "valid",
    }  # fmt: skip


def test_spark_decides_like_the_model_on_random_batches(bench: Bench) -> None:
    chance = random.Random(11)
    model, batches = Table(), []
    for number in range(24):
        name, content = f"c{number % 9}", chance.choice("xyz")
        csat = chance.choice([None, None, 1])
        batches.append(
            example(name, version=1 + number // 9, content=content, minute=number % 5, csat=csat)
        )
    chance.shuffle(batches)
    for batch_id in range(4):
        rows = batches[batch_id * 6 : batch_id * 6 + 6]
        bench.judge(batch_id, *rows)
        model.judge(
            [
                Candidate(
                    example_id=r.example_id,
                    conversation_id=r.conversation_id,
                    conversation_version=r.conversation_version,
                    content_hash=r.content_hash,
                    sent_at=r.sent_at,
                    reasons=("CSAT_LOW",) if r.csat == 1 else (),
                )
                for r in rows
            ]
        )
    assert bench.verdicts() == {name: row.verdict for name, row in model.rows.items()}
    assert {v for v in bench.verdicts().values()} == {
        "valid", "quarantined", "duplicate", "superseded",
    }  # fmt: skip


def test_batch_rules_are_reported_for_large_batches_only(bench: Bench) -> None:
    bad = [example(f"n{n}", csat=1) for n in range(20)]
    bench.judge(0, *bad[:19])
    assert bench.reports[-1].broken == ()
    bench.judge(1, *[replace(e, example_id=f"{e.example_id}x") for e in bad])
    assert bench.reports[-1].broken == ("QUARANTINE_SPIKE",)
    assert bench.reports[-1].reasons == {"CSAT_LOW": 20}


def test_stream_judges_each_example_once_over_restarts(bench: Bench, tmp_path: Path) -> None:
    lake.ensure(bench.lake, CONVERSATIONS)
    lake.append(bench.lake, EXAMPLES, to_table([example("a"), example("b")], Example))

    def run() -> dict[str, str]:
        query = start(bench.spark, bench.gate, tmp_path / "checkpoint", interval_s=None)
        query.awaitTermination()
        return bench.verdicts()

    assert run() == {"ex-a-1": "valid", "ex-b-1": "valid"}
    version = bench.version()
    assert run() == {"ex-a-1": "valid", "ex-b-1": "valid"}
    assert bench.version() == version
    lake.append(bench.lake, CONVERSATIONS, to_table([conversation("a", 2)], Conversation))
    lake.append(bench.lake, EXAMPLES, to_table([example("c", content="b")], Example))
    assert run() == {"ex-a-1": "superseded", "ex-b-1": "valid", "ex-c-1": "duplicate"}
    counted = Counter(row["example_id"] for row in bench.rows())
    assert counted == Counter(lake.read(bench.lake, EXAMPLES)["example_id"].to_pylist())


def test_split_is_the_one_of_the_subject(bench: Bench) -> None:
    bench.judge(0, *[example(f"n{n}", subject_key=f"s{n % 8}") for n in range(32)])
    splits: dict[str, set[str]] = {}
    for row in bench.rows():
        splits.setdefault(row["subject_key"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert digest("x") not in splits
