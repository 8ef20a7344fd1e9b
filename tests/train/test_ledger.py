from pathlib import Path

import pytest

from deskwheel.errors import StateError
from deskwheel.state import END_PHASES, State
from train.ledger import fail_window, find_window, hold_window, owner_name, submission_id_of


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(f"sqlite:///{tmp_path / 'state.db'}")
    made.claim_window("support", 0, to_version=1, owner="a", detail={"effective": 4})
    return made


def submit(state: State, *, attempts: int) -> None:
    state.advance_window(
        "support", 0, expect="claimed", phase="submitted", run_id="run-1", attempts=attempts
    )


def test_a_window_that_nobody_claimed_is_an_error(state: State) -> None:
    with pytest.raises(StateError, match="support/9 was never claimed"):
        find_window(state, "support", 9)


def test_a_held_window_keeps_its_reason_and_the_timeline_tells_it(state: State) -> None:
    submit(state, attempts=1)
    assert hold_window(state, "support", 0, reason="the loss is no number", attempt=1)
    window = find_window(state, "support", 0)
    assert (window["phase"], window["reason"]) == ("held", "the loss is no number")
    assert window["detail"] == {"effective": 4, "reason": "the loss is no number"}
    (told,) = state.timeline("support", kind="held")
    assert (told["subject"], told["detail"]) == ("run-1", {"reason": "the loss is no number"})


def test_a_window_can_be_held_before_it_has_a_run(state: State) -> None:
    assert hold_window(state, "support", 0, reason="nothing to learn from")
    assert state.timeline("support", kind="held")[0]["subject"] == "window 0"


def test_a_job_that_was_replaced_ends_nothing(state: State) -> None:
    submit(state, attempts=2)
    assert not hold_window(state, "support", 0, reason="the loss is no number", attempt=1)
    assert find_window(state, "support", 0)["phase"] == "submitted"
    assert state.timeline("support") == []


@pytest.mark.parametrize("phase", END_PHASES)
def test_a_window_that_has_ended_keeps_its_end(state: State, phase: str) -> None:
    state.advance_window("support", 0, expect="claimed", phase=phase, reason="first")
    window = find_window(state, "support", 0)
    assert not hold_window(state, "support", 0, reason="second")
    assert not fail_window(state, window, reason="second", log="")
    assert find_window(state, "support", 0)["reason"] == "first"


def test_a_job_that_publishes_at_the_last_moment_is_not_failed(state: State) -> None:
    submit(state, attempts=1)
    read = find_window(state, "support", 0)
    state.advance_window("support", 0, expect="submitted", phase="trained", model_version="3")
    assert not fail_window(state, read, reason="it ended", log="")
    assert find_window(state, "support", 0)["phase"] == "trained"


def test_each_attempt_has_a_name_that_no_other_window_can_have() -> None:
    names = [submission_id_of("support", 0, attempt) for attempt in (1, 2, 12)]
    names += [submission_id_of("support", 1), submission_id_of("support-0", 2)]
    assert names[0] == "deskwheel-support-0"
    assert len(set(names)) == 5


def test_no_two_owners_have_one_name() -> None:
    assert owner_name() != owner_name()
