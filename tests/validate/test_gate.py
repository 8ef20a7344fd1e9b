"""Every example gets one row with one verdict, whatever is replayed, on Spark and Delta."""

import random
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from deskwheel import lake
from deskwheel.ids import digest
from deskwheel.records import Conversation, Example
from deskwheel.schema import to_table
from deskwheel.settings import PipelineSettings, Settings, ValidateSettings
from deskwheel.tables import CONVERSATIONS, EXAMPLES, VALIDATED
from tests.validate.frozen import words
from tests.validate.rows import conversation
from tests.validate.rows import example as plain
from tests.validate.test_verdicts import Table
from transforms.session import spark_schema
from validate.candidates import Candidate
from validate.gate import Gate, compile_gate, start
from validate.near import sign
from validate.told import Judged
from validate.verdicts import decide_split

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def example(name: str, *, content: str = "", **changes: Any) -> Example:
    """An example whose texts depend on `content` alone, and have no word of another content."""
    said = content or name
    texts = {"query": f"{words(said, 9)}?", "response": f"{words(said + 'r', 24)}."}
    return plain(name, content=said, **{**texts, **changes})


@pytest.fixture(scope="module")
def compiled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """A gate with the default suite, compiled once for all tests."""
    lake_dir = str(tmp_path_factory.mktemp("rules"))
    # All rows here are of one customer who says much the same; `test_returns` judges that.
    settings = Settings(
        pipeline=PipelineSettings(lake=lake_dir), validate=ValidateSettings(came_back_days=0)
    )
    return compile_gate(spark, settings, app_id="x", now=lambda: NOW, report=print)


class Bench:
    """A gate over a lake of its own, fed by hand."""

    def __init__(self, spark: SparkSession, compiled: Gate, folder: Path) -> None:
        self.spark = spark
        self.lake = folder / "lake"
        self.reports: list[Judged] = []
        lake.ensure(self.lake, VALIDATED)
        self.gate = replace(
            compiled,
            lake_dir=self.lake,
            app_id="validated_examples:1",
            report=self.reports.append,
            index_file=folder / "index.sqlite",
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
def bench(spark: SparkSession, compiled: Gate, tmp_path: Path) -> Bench:
    return Bench(spark, compiled, tmp_path)


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
    assert good["suite_version"] == bench.gate.suite_version
    assert good["validated_at"] == NOW
    assert good["query"] == example("a").query
    assert dict(good["redaction"]["counts"]) == {"EMAIL": 1}
    assert len({row["split"] for row in rows.values()}) == 1
    assert (good["cluster_id"], good["group_id"], good["duplicate_of"]) == (
        "ex-a-1",
        "ex-a-1",
        None,
    )
    assert rows["ex-c-1"]["duplicate_of"] == "ex-a-1"
    assert rows["ex-b-1"]["cluster_id"] is None
    assert good["signature"] == sign([(good["query"], good["response"])])[0]
    commit = lake.commits(bench.lake, VALIDATED)[-1]
    assert (commit["app"], commit["batch"]) == ("validated_examples:1", 0)
    assert commit["counts"] == {"valid": 1, "quarantined": 1, "duplicate": 1}


def test_replay_of_a_batch_adds_nothing(bench: Bench) -> None:
    first = bench.judge(0, example("a"), example("b"))
    version = bench.version()
    assert bench.judge(0, example("a"), example("b")) == first
    assert bench.version() == version
    told, again = bench.reports
    assert (told.is_repeated, again) == (False, replace(told, is_repeated=True))
    assert (told.version, told.fresh, told.changed) == (version, 2, 0)


def test_a_batch_is_as_large_as_its_new_rows(bench: Bench) -> None:
    bench.judge(0, example("a"), example("b"))
    bench.judge(1, example("a", version=2, content="new"), example("b", version=2))
    bench.judge(2, newer={"a": 3})
    commits = lake.commits(bench.lake, VALIDATED)
    assert [(sum(c["counts"].values()), c["fresh"], c["changed"]) for c in commits] == [
        (2, 2, 0), (4, 2, 2), (1, 0, 1),
    ]  # fmt: skip
    assert bench.gate.volumes() == [2, 2]


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
    assert rows["ex-b-1"]["query"] == example("b", content="a").query
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
                    content=r.content_hash,
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
    bad = [example(f"n{n}", csat=1, category="AB"[n % 2]) for n in range(20)]
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
    (commit,) = lake.commits(bench.lake, VALIDATED)
    examples = DeltaTable(lake.table_path(bench.lake, EXAMPLES))
    version, _, is_first_look = commit["read"][str(examples.metadata().id)]
    assert (version, is_first_look) == (examples.version() + 1, False)
    version = bench.version()
    assert run() == {"ex-a-1": "valid", "ex-b-1": "valid"}
    assert bench.version() == version
    lake.append(bench.lake, CONVERSATIONS, to_table([conversation("a", 2)], Conversation))
    lake.append(bench.lake, EXAMPLES, to_table([example("c", content="b")], Example))
    assert run() == {"ex-a-1": "superseded", "ex-b-1": "valid", "ex-c-1": "duplicate"}
    counted = Counter(row["example_id"] for row in bench.rows())
    assert counted == Counter(lake.read(bench.lake, EXAMPLES)["example_id"].to_pylist())


def test_near_copy_is_a_duplicate_in_one_batch_and_in_a_later_one(bench: Bench) -> None:
    first = example("a")
    near = {"query": first.query, "response": first.response.replace(".", " at once.")}
    assert bench.judge(0, first, example("b", minute=1, **near)) == {
        "ex-a-1": "valid", "ex-b-1": "duplicate",
    }  # fmt: skip
    found = bench.judge(1, example("c", minute=2, csat=5, **near), example("d", kind="negative"))
    assert found["ex-c-1"] == "valid"
    rows = {row["example_id"]: row for row in bench.rows()}
    assert rows["ex-a-1"]["verdict"] == "duplicate"
    assert rows["ex-a-1"]["reasons"] == ["NEAR_DUPLICATE"]
    assert rows["ex-a-1"]["duplicate_of"] == "ex-c-1"
    assert {rows[f"ex-{n}-1"]["group_id"] for n in "abc"} == {"ex-a-1"}


def test_same_answer_to_another_question_is_kept(bench: Bench) -> None:
    answer = words("answer", 80)
    found = bench.judge(0, example("a", response=answer), example("b", response=answer))
    assert found == {"ex-a-1": "valid", "ex-b-1": "valid"}
    assert len({row["cluster_id"] for row in bench.rows()}) == 1


def test_kinds_and_tenants_are_not_compared(bench: Bench) -> None:
    bench.judge(
        0,
        example("a"),
        example("b", content="a", kind="negative", negative_kind="evasive", minute=1),
        example("c", content="a", tenant="other", minute=2),
    )
    assert {row["verdict"] for row in bench.rows()} <= {"valid", "quarantined"}
    assert len({row["cluster_id"] for row in bench.rows() if row["cluster_id"]}) > 1


def test_copies_of_one_text_are_valid_in_one_split_only(bench: Bench) -> None:
    for batch_id in range(2):
        bench.judge(
            batch_id,
            *[
                example(f"n{n}", content=f"x{n % 4}", subject_key=f"s{n}", minute=n)
                for n in range(batch_id, 60, 2)
            ],
        )
    valid = [row for row in bench.rows() if row["verdict"] == "valid"]
    assert Counter(row["content_hash"] for row in valid) == {digest(f"x{n}"): 1 for n in range(4)}
    reasons = Counter(reason for row in bench.rows() for reason in row["reasons"])
    assert reasons.keys() == {"DUPLICATE_CONTENT", "CLUSTER_IN_OTHER_SPLIT"}


def test_changed_shares_move_no_customer(bench: Bench) -> None:
    bench.judge(0, *[example(f"a{n}", subject_key=f"s{n}") for n in range(30)])
    settings = ValidateSettings(test_share=0.5, dev_share=0.5)
    bench.gate = replace(bench.gate, settings=settings)
    bench.judge(1, *[example(f"b{n}", subject_key=f"s{n}") for n in range(40)])
    splits: dict[str, set[str]] = {}
    for found in bench.rows():
        splits.setdefault(found["subject_key"], set()).add(found["split"])
    assert all(len(of) == 1 for of in splits.values())
    assert {"train"} in [splits[f"s{n}"] for n in range(30)]
    assert "train" not in {split for n in range(30, 40) for split in splits[f"s{n}"]}


def test_index_that_missed_a_commit_changes_no_verdict(bench: Bench, tmp_path: Path) -> None:
    file, old = bench.gate.index_file, tmp_path / "old.sqlite"
    bench.judge(0, example("a"))
    shutil.copy(file, old)
    bench.judge(1, example("b", content="a", minute=1), example("c"))
    shutil.copy(old, file)
    DeltaTable(lake.table_path(bench.lake, VALIDATED)).optimize.compact()
    assert bench.judge(2, example("d", content="c", minute=2))["ex-d-1"] == "duplicate"
    file.unlink()
    assert bench.judge(3, example("a", version=2, content="new")) == {
        "ex-a-1": "superseded", "ex-a-2": "valid", "ex-b-1": "valid", "ex-c-1": "valid",
        "ex-d-1": "duplicate",
    }  # fmt: skip


def test_split_is_the_one_of_the_subject(bench: Bench) -> None:
    bench.judge(0, *[example(f"n{n}", subject_key=f"s{n % 8}") for n in range(32)])
    splits: dict[str, set[str]] = {}
    for row in bench.rows():
        splits.setdefault(row["subject_key"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert splits["s0"] == {decide_split("acme", "s0", "", test=0.1, dev=0.05)}
