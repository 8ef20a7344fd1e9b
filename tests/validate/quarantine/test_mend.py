"""Repairs meet the gate: what was kept out comes back, once, whatever is replayed."""

from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from deskwheel import lake
from deskwheel.audit import conservation
from deskwheel.records import Example
from deskwheel.schema import to_table
from deskwheel.settings import Settings
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, REPAIRS, VALIDATED
from tests.validate.quarantine.test_commands import parsed
from tests.validate.test_gate import example
from validate.gate import Gate
from validate.mend import Mender
from validate.quarantine.commands import quarantine
from validate.quarantine.requests import COLUMNS, Wish, ask
from validate.quarantine.rows import stored_rows
from validate.quarantine.told import Outcome, tell
from validate.repairs import REJECTED_BY_PERSON, Rulings
from validate.watch import judge_once, open_gate


def ask_for(settings: Settings, name: str, *words: str) -> None:
    action, rest = words[0], words[1:]
    assert (
        quarantine(settings, parsed("--json", action, f"ex-{name}-1", *rest, "--by", "lead-1")) == 0
    )


def rows(settings: Settings) -> dict[str, dict[str, Any]]:
    found = lake.read(settings.pipeline.lake, VALIDATED).to_pylist()
    assert len({r["example_id"] for r in found}) == len(found)
    return {r["example_id"].split("-")[1]: r for r in found}


def verdicts(settings: Settings) -> dict[str, str]:
    return {name: row["verdict"] for name, row in rows(settings).items()}


def check_second_try(spark: SparkSession, settings: Settings, state: State, gate: Gate) -> None:
    """The batch again, from a process that does not know that it was committed: nothing moves."""
    found = rows(settings)
    told: list[Outcome] = []
    mender = Mender(gate=gate, app_id="repairs:other", report=told.extend)
    mender(asked(spark, settings), 0)
    assert rows(settings) == found
    assert {(o.example_id, o.is_replayed) for o in told} == {
        (f"ex-{n}-1", True) for n in ("short", "low", "good", "old", "leak")
    }
    entries = len(state.timeline("support"))
    tell(state, "support", told)
    assert len(state.timeline("support")) == entries


def check_new_suite(spark: SparkSession, settings: Settings, gate: Gate) -> None:
    """Replay judges by today's rules, and what had a replay before may have another."""
    lenient = replace(gate, rules=replace(gate.rules, quarantine={}), rulings=Rulings())
    ask_for(settings, "old", "replay", "--note", "after the new suite")
    frame = asked(spark, settings).where("example_id = 'ex-old-1'")
    Mender(gate=lenient, app_id="repairs:third", report=print)(frame, 0)
    assert (verdicts(settings)["old"], rows(settings)["old"]["attempt"]) == ("valid", 2)


def asked(spark: SparkSession, settings: Settings) -> DataFrame:
    return spark.read.format("delta").load(str(lake.table_path(settings.pipeline.lake, REPAIRS)))


def test_repairs_bring_examples_back_once(spark: SparkSession, settings: Settings) -> None:
    """One story in one test, because each start of the gate costs seconds."""
    # All are of one customer; that they ask much the same again is not what is judged here.
    settings = replace(settings, validate=replace(settings.validate, came_back_days=0))
    place = settings.pipeline.lake
    first = [
        example("short", query="Hi?"),
        example("low", csat=1),
        example("leak", query="Please call me back on jane.miller@gmail.com about my bill"),
        example("good"),
        example("copy", content="good", minute=1),
        example("old", csat=1),
    ]
    lake.ensure(place, CONVERSATIONS)
    lake.append(place, EXAMPLES, to_table(first, Example))
    state = State(settings.pipeline.state_url)
    judge_once(spark, settings, state)
    before = rows(settings)
    assert verdicts(settings) == {
        "short": "quarantined", "low": "quarantined", "leak": "quarantined", "good": "valid",
        "copy": "duplicate", "old": "quarantined",
    }  # fmt: skip

    full = "Where do I find the invoice of my last order, please?"
    ask_for(settings, "short", "fix", "--query", full)
    ask_for(settings, "short", "fix", "--query", full)
    ask_for(settings, "low", "accept", "--note", "the rating was about the courier")
    ask_for(settings, "good", "reject")
    ask_for(settings, "old", "replay")
    (leak,) = stored_rows(place, VALIDATED, columns=COLUMNS, ids=["ex-leak-1"])
    ask(place, [leak], Wish(action="accept", actor="lead-2"), now=before["leak"]["validated_at"])
    version = lake.current_version(place, VALIDATED) or 0
    judge_once(spark, settings, state)
    found = rows(settings)
    assert lake.current_version(place, VALIDATED) == version + 1
    assert verdicts(settings) == {
        "short": "valid", "low": "valid", "leak": "quarantined", "good": "quarantined",
        "copy": "valid", "old": "quarantined",
    }  # fmt: skip
    short = found["short"]
    assert (short["query"], short["attempt"], short["reasons"]) == (full, 1, [])
    assert short["response"] == first[0].response
    assert short["content_hash"] != first[0].content_hash
    assert short["cluster_id"] == "ex-short-1"
    assert "CSAT_LOW" in found["low"]["warnings"]
    assert found["leak"]["reasons"] == ["PII_LEFT_IN_QUERY"]
    assert found["good"]["reasons"] == [REJECTED_BY_PERSON]
    assert (found["copy"]["attempt"], found["old"]["attempt"]) == (None, 1)
    for name, row in found.items():
        assert (row["split"], row["kind"]) == (before[name]["split"], before[name]["kind"])
    told = {e["subject"]: e["detail"] for e in state.timeline("support", kind="repaired")}
    assert (told["ex-low-1"]["from"], told["ex-low-1"]["to"]) == ("quarantined", "valid")
    assert told["ex-low-1"]["actor"] == "lead-1"
    assert told["ex-good-1"]["reasons"] == [REJECTED_BY_PERSON]

    gate, _ = open_gate(spark, settings, state)
    check_second_try(spark, settings, state, gate)
    check_new_suite(spark, settings, gate)
    assert {row["split"] for row in rows(settings).values()} == {
        row["split"] for row in before.values()
    }
    audit = conservation(place, {})
    assert audit.is_balanced, audit.problems
    state.close()
