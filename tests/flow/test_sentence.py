"""The whole sentence on real components: Kafka, Spark, Delta, Great Expectations, Ray, MLflow.

The streaming job is killed with SIGKILL while traffic arrives, and two watchers wait for the
trigger; nothing of that may show in what comes out.
"""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from deskwheel import lake
from deskwheel.console.facts import snapshot_of
from deskwheel.state import State
from deskwheel.tables import CONVERSATIONS, EXAMPLES, FEEDBACK, SNAPSHOTS, TURNS, VALIDATED
from tests.flow.judged import broken_groups, judged_by_rules, judged_in_table
from tests.flow.loop import Loop, verb
from tests.flow.reference import Reference, content, current
from train.data.training_set import find_snapshot, load_training_set

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1800)]


def test_streaming_job_was_killed_in_the_middle_and_came_back(loop: Loop) -> None:
    assert 0 < loop.killed_after_events < len(loop.events)
    assert loop.restarts >= 1


def test_every_acknowledged_event_is_accounted_for_once(loop: Loop) -> None:
    assert loop.acknowledged == len(loop.events) == loop.ledger["events"]
    assert loop.audit is not None
    assert loop.audit.problems == ()
    assert loop.audit.unaccounted == 0
    raw = [p for p in loop.audit.partitions if p.topic.startswith("raw.")]
    assert sum(p.offsets for p in raw) == loop.acknowledged


def test_kill_changes_no_verdict_of_an_event(loop: Loop, expected: Reference) -> None:
    rows = lake.read(loop.settings.pipeline.lake, TURNS).to_pylist()
    found = Counter((r["event_id"], r["position"], r["verdict"], r["reason"]) for r in rows)
    wished = Counter((t.event_id, t.position, t.verdict, t.reason) for t in expected.turns)
    # A rejected event without an id is named by its offset, which the reference cannot know.
    assert _without_places(found) == _without_places(wished)


def test_kill_changes_no_conversation(loop: Loop, expected: Reference) -> None:
    rows = lake.read(loop.settings.pipeline.lake, CONVERSATIONS).to_pylist()
    found = {name: content(row) for name, row in current(rows).items()}
    assert found == {name: content(c) for name, c in expected.conversations.items()}


def test_kill_changes_no_example(loop: Loop, expected: Reference) -> None:
    lake_dir = loop.settings.pipeline.lake
    newest = current(lake.read(lake_dir, CONVERSATIONS).to_pylist())
    versions = {name: row["version"] for name, row in newest.items()}
    found = {
        row["conversation_id"]: content(row)
        for row in lake.read(lake_dir, EXAMPLES).to_pylist()
        if row["conversation_version"] == versions[row["conversation_id"]]
    }
    assert found == {e.conversation_id: content(e) for e in expected.examples}


def test_every_candidate_has_one_verdict(loop: Loop) -> None:
    lake_dir = loop.settings.pipeline.lake
    candidates = lake.read(lake_dir, EXAMPLES, columns=["example_id"])["example_id"].to_pylist()
    judged = lake.read(lake_dir, VALIDATED, columns=["example_id"])["example_id"].to_pylist()
    assert sorted(judged) == sorted(candidates)
    assert len(set(judged)) == len(judged) > 0


def test_kill_changes_no_verdict_of_an_example(
    loop: Loop, expected: Reference, spark: "SparkSession"
) -> None:
    wished = judged_by_rules(spark, loop.settings.validate, expected.examples)
    rows = lake.read(loop.settings.pipeline.lake, VALIDATED).to_pylist()
    assert judged_in_table(rows) == wished
    assert broken_groups(rows) == []
    assert {"valid", "quarantined"} <= {row["verdict"] for row in rows}


def test_digest_trained_equals_digest_frozen(loop: Loop) -> None:
    run = loop.facts["run"]
    [frozen] = [
        row
        for row in lake.read(loop.settings.pipeline.lake, SNAPSHOTS).to_pylist()
        if row["snapshot_id"] == run["snapshot_id"]
    ]
    assert run["content_digest"] == frozen["content_digest"]
    lake_dir = loop.settings.pipeline.lake
    read_again = load_training_set(lake_dir, find_snapshot(lake_dir, run["snapshot_id"]))
    assert read_again.content_digest == frozen["content_digest"]


def test_second_watcher_does_not_train_twice(loop: Loop) -> None:
    state = State(loop.settings.pipeline.state_url)
    windows = state.windows(loop.settings.pipeline.name)
    runs = state.documents("run")
    state.close()
    assert [w["phase"] for w in windows] == ["trained"]
    assert list(runs) == [windows[0]["run_id"]]
    log = (loop.stack.home / "logs" / "second-watcher.log").read_text()
    assert "Traceback" not in log


def test_gate_compares_base_champion_and_challenger(loop: Loop) -> None:
    evaluation = loop.facts["evaluation"]
    assert set(evaluation["scores"]) == {"base", "champion", "challenger"}
    assert evaluation["verdict"] == "PROMOTE"
    assert evaluation["scores"]["challenger"]["rouge_l"] > evaluation["scores"]["base"]["rouge_l"]


def test_customers_are_split_and_their_outcomes_reach_delta(loop: Loop) -> None:
    rows = lake.read(loop.settings.pipeline.lake, FEEDBACK).to_pylist()
    assigned = {r["trace_id"]: r["variant"] for r in rows if r["kind"] == "assignment"}
    outcomes = [r for r in rows if r["kind"] == "outcome"]
    assert len(outcomes) == len(loop.visits)
    assert {r["trace_id"] for r in outcomes} <= set(assigned)
    by_arm = Counter(assigned.values())
    assert set(by_arm) == {visit.variant for visit in loop.visits}
    assert len(by_arm) == 2
    assert Counter(visit.variant for visit in loop.visits) == by_arm


def test_no_customer_id_is_stored_in_clear(loop: Loop) -> None:
    rows = lake.read(loop.settings.pipeline.lake, FEEDBACK).to_pylist()
    asked = {visit.customer for visit in loop.visits}
    stored = {str(value) for row in rows for value in row.values()}
    assert asked
    assert not asked & stored


def test_decide_prints_intervals_of_both_arms(loop: Loop) -> None:
    arms = loop.decision["arms"]
    assert len(arms) == 2
    assert sum(arm["assignments"] for arm in arms) == len(loop.visits)
    assert all(arm["csat"]["value"] is not None for arm in arms)
    assert all(low <= high for low, high in (arm["csat"]["interval"] for arm in arms))


def test_dead_letters_hold_every_event_that_may_be_mended(loop: Loop) -> None:
    listed = verb(loop.stack, "ingest", "dlq", "list", "--json")
    letters = sum(topic["count"] for topic in listed)
    rejected = {r["reason"]: r["count"] for r in loop.facts["rejected"]}
    wished = sum(count for reason, count in rejected.items() if reason != "MACHINE_MAIL")
    assert letters >= wished > 0


def test_page_shows_what_happened(loop: Loop) -> None:
    facts = snapshot_of(loop.settings, loop.stack.home)
    assert facts["flow"]["events"] >= loop.acknowledged
    assert facts["evaluation"]["verdict"] == "PROMOTE"
    assert {entry["kind"] for entry in facts["timeline"]} >= {"trigger", "frozen", "trained"}


def _without_places(found: Counter[tuple[str, int, str, str | None]]) -> Counter[object]:
    anonymous: Counter[object] = Counter()
    for (name, *rest), count in found.items():
        anonymous["" if name.startswith("raw.") else name, *rest] += count
    return anonymous
