import io
import json
from argparse import Namespace
from typing import Any

import pytest
from rich.console import Console

from deploy import decide
from deploy.roster import change_split, read_split
from deploy.split import SplitRow
from deskwheel import lake, tables
from deskwheel.records import Feedback, Pointer
from deskwheel.schema import to_table
from deskwheel.settings import AbSettings, Settings
from deskwheel.state import State
from tests.deploy.conftest import NOW
from tests.deploy.test_evidence import assigned, outcome

SPLIT = SplitRow(salt="s", champion="old", challenger="new", share=0.5, revision=1)
AB = AbSettings(min_outcomes=20)


def arm(variant: str, ratings: list[int], completed: int) -> list[dict[str, Any]]:
    rows = []
    for i, csat in enumerate(ratings):
        trace = f"{variant}-{i}"
        rows.append(assigned(trace, trace, variant))
        rows.append(outcome(trace, csat=csat, is_completed=i < completed))
    return rows


def judge(rows: list[dict[str, Any]], split: SplitRow = SPLIT) -> decide.Report:
    return decide.judge(rows, split, AB, since=None)


def test_below_the_minimum_of_outcomes_nothing_is_decided() -> None:
    report = judge(arm("old", [1] * 30, 0) + arm("new", [5] * 19, 19))
    assert report.verdict == "not enough traffic yet"
    assert "19 of 20" in report.why


def test_a_better_challenger_would_be_promoted() -> None:
    report = judge(arm("old", [2, 3] * 15, 10) + arm("new", [4, 5] * 15, 28))
    assert report.verdict == "would promote"
    assert "CSAT" in report.why
    assert "completion" in report.why


def test_a_worse_challenger_would_be_rolled_back() -> None:
    report = judge(arm("old", [4, 5] * 15, 15) + arm("new", [2, 3] * 15, 15))
    assert report.verdict == "would roll back"


def test_better_in_one_and_worse_in_the_other_is_worse() -> None:
    report = judge(arm("old", [2, 3] * 15, 29) + arm("new", [4, 5] * 15, 5))
    assert report.verdict == "would roll back"
    assert "completion" in report.why


def test_equal_arms_show_no_difference() -> None:
    report = judge(arm("old", [2, 5] * 15, 15) + arm("new", [5, 2] * 15, 15))
    assert report.verdict == "no difference shown yet"


def test_a_broken_split_is_told_before_anything_else() -> None:
    report = judge(arm("old", [1] * 20, 0) + arm("new", [5] * 120, 120))
    assert report.verdict == "split is broken"


def test_without_a_challenger_there_is_nothing_to_decide() -> None:
    report = judge([], SPLIT.without_challenger())
    assert report.verdict == "no challenger under test"


def test_intervals_of_the_differences_are_wider_than_one_alone() -> None:
    rows = arm("old", [2, 3] * 15, 10) + arm("new", [4, 5] * 15, 28)
    both = judge(rows).csat_difference
    alone = decide.stats.csat_difference([4, 5] * 15, [2, 3] * 15, AB.confidence)
    assert both is not None
    assert both.interval is not None
    assert alone.interval is not None
    assert both.interval[0] < alone.interval[0]


def test_table_shows_both_arms_and_the_verdict() -> None:
    console = Console(record=True, width=160, file=io.StringIO())
    decide.render(judge(arm("old", [2, 3] * 15, 10) + arm("new", [4, 5] * 15, 28)), console)
    text = console.export_text()
    for expected in ("would promote", "old", "new", "4.500", "2.500", "Share 50%", "one look"):
        assert expected in text


def feedback(**fields: Any) -> Feedback:
    common: dict[str, Any] = {
        "tenant": "default",
        "source": Pointer(topic="feedback", partition=0, offset=0),
        "reason": None,
        "conversation_id": None,
        "ingested_at": NOW,
        "code_version": "0",
        "batch_id": 0,
    }
    return Feedback(**common, **fields)


def test_verb_reads_the_table_and_tells_the_timeline_once(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    change_split(state, "support", lambda now: now.with_challenger("support-v1", 0.5, salt="x"))
    rows = [
        assigned("t1", "ann", "support-v1"),
        outcome("t1", csat=5),
        assigned("t2", "bob", "prompt-bot"),
    ]
    records = [feedback(**r) for r in rows]
    lake.append(settings.pipeline.lake, tables.FEEDBACK, to_table(records, Feedback))
    for _ in range(2):
        assert decide.decide(settings, Namespace(json=True)) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["verdict"] == "not enough traffic yet"
    assert [a["variant"] for a in report["arms"]] == ["prompt-bot", "support-v1"]
    assert report["arms"][1]["csat"]["value"] == 5
    (told,) = state.timeline("support", kind="decided")
    assert (told["subject"], told["detail"]["verdict"]) == ("support-v1", report["verdict"])


def test_verb_answers_before_the_first_feedback(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert decide.decide(settings, Namespace(json=False)) == 0
    assert "no challenger under test" in capsys.readouterr().out
    assert state.timeline("support", kind="decided") == []


def test_evidence_starts_when_the_present_share_was_first_served(state: State) -> None:
    split = change_split(state, "support", lambda now: now.with_challenger("n", 0.5, salt="x"))
    assert split is not None
    assert decide.started_at(state, "support", split) is None
    state.record("support", "served", "n", {"split_revision": split.revision - 1})
    assert decide.started_at(state, "support", split) is None
    state.record("support", "served", "n", {"split_revision": split.revision})
    start = decide.started_at(state, "support", read_split(state, "support"))
    assert start is not None
    state.record("support", "served", "n", {"split_revision": split.revision})
    assert decide.started_at(state, "support", split) == start
