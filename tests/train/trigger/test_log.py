from dataclasses import replace
from datetime import timedelta

import pytest

from deskwheel.settings import TriggerSettings
from deskwheel.state import State
from tests.train.trigger.moments import NOW, inputs
from train.trigger import log
from train.trigger.decide import TriggerDecision, judge
from train.trigger.log import last_entries, log_decision

POLICY = TriggerSettings(min_fresh_examples=100)
SECOND = timedelta(seconds=1)


def decision(version: int, fresh: int = 10) -> TriggerDecision:
    return judge(inputs({"A": fresh}, version=version), POLICY)


def test_equal_evaluations_are_one_entry_that_counts_them(state: State) -> None:
    for second in range(3):
        log_decision(state, "support", decision(1), now=NOW + second * SECOND)
    log_decision(state, "support", decision(2, fresh=30), now=NOW + 9 * SECOND)
    newest, older = last_entries(state, "support", limit=5)
    assert older["looks"] == 3
    assert older["since"] == NOW.isoformat()
    assert older["until"] == (NOW + 2 * SECOND).isoformat()
    assert (newest["looks"], newest["effective"], newest["version"]) == (1, 30, 2)
    assert newest["fresh"] == {"A": 30}
    assert newest["opinions"]["amount"] == {
        "effective": 30, "minimum": 100, "cap": 50, "is_for": False,
    }  # fmt: skip


def test_the_log_keeps_only_its_newest_entries(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "KEPT", 3)
    for version in range(8):
        log_decision(state, "support", decision(version), now=NOW + version * SECOND)
    assert [e["version"] for e in last_entries(state, "support", limit=99)] == [7, 6, 5]
    assert len(state.documents(log.ENTRY)) == 3
    assert [e["version"] for e in last_entries(state, "support", limit=2)] == [7, 6]


def test_the_timeline_gets_changes_of_the_outcome_only(state: State) -> None:
    for version in range(3):
        log_decision(state, "support", decision(version), now=NOW)
    paused = replace(decision(3), outcome="paused")
    log_decision(state, "support", paused, now=NOW)
    entries = state.timeline("support", kind="trigger")
    assert [e["detail"]["outcome"] for e in entries] == ["paused", "too_few"]


def test_pipelines_have_logs_of_their_own(state: State) -> None:
    log_decision(state, "support", decision(1), now=NOW)
    assert last_entries(state, "sales", limit=5) == []
