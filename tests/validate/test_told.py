"""The timeline tells each batch once, also one whose job died between commit and entry."""

import json
from dataclasses import replace

from deskwheel.settings import Settings
from deskwheel.state import State
from validate.told import Judged, commit_facts, judged_of, tell_batch

JUDGED = Judged(
    batch_id=4, version=7, verdicts={"valid": 1}, reasons={"CSAT_LOW": 1}, fresh=1, changed=0,
    broken=("PERSONAL_DATA_FLOOD", "ANSWERS_COPIED", "QUARANTINE_SPIKE"),
    stops=("PERSONAL_DATA_FLOOD",), warnings={"LANGUAGE_MISSING": 1}, suite_version="s",
)  # fmt: skip
KINDS = {
    "validated": None,
    "batch_stopped": "PERSONAL_DATA_FLOOD",
    "suite_warning": "ANSWERS_COPIED",
    "quarantine_spike": "QUARANTINE_SPIKE",
}


def told(state: State) -> dict[str, str | None]:
    entries = state.timeline("support")
    assert len({e["kind"] for e in entries}) == len(entries)
    return {e["kind"]: e["detail"].get("rule") for e in entries}


def test_what_a_batch_broke_is_told_by_entries_of_their_own(settings: Settings) -> None:
    state = State(settings.pipeline.state_url)
    tell_batch(state, "support", JUDGED)
    assert told(state) == KINDS
    (validated,) = state.timeline("support", kind="validated")
    assert validated["subject"] == "batch 4"
    assert validated["detail"] == {
        "version": 7, "verdicts": {"valid": 1}, "reasons": {"CSAT_LOW": 1}, "fresh": 1,
        "changed": 0, "broken": list(JUDGED.broken), "stops": ["PERSONAL_DATA_FLOOD"],
        "warnings": {"LANGUAGE_MISSING": 1}, "suite_version": "s",
    }  # fmt: skip
    state.close()


def test_a_commit_says_all_that_is_told_of_its_batch() -> None:
    stored = json.loads(json.dumps(commit_facts(JUDGED)))
    assert judged_of({**stored, "batch": 4, "version": 7}) == replace(JUDGED, is_repeated=True)


def test_a_commit_of_an_older_release_is_not_told() -> None:
    assert judged_of({"app": "x", "batch": 4, "version": 7, "counts": {"valid": 1}}) is None
    assert judged_of({}) is None


def test_a_repeated_batch_tells_what_is_missing_and_nothing_twice(settings: Settings) -> None:
    state = State(settings.pipeline.state_url)
    again = replace(JUDGED, is_repeated=True)
    tell_batch(state, "support", replace(JUDGED, broken=(), stops=()))
    for _ in range(2):
        tell_batch(state, "support", again)
        assert told(state) == KINDS
    tell_batch(state, "support", replace(again, version=9))
    assert len(state.timeline("support")) == 2 * len(KINDS)
    state.close()
