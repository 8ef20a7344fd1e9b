from pathlib import Path

import pytest

from deskwheel.errors import StateError
from deskwheel.progress import begin_progress, read_progress
from deskwheel.state import END_PHASES, Row, State
from tests.train.rows import NOON
from train.ledger import (
    fail_window,
    find_window,
    hold_window,
    owner_name,
    retry_window,
    submission_id_of,
)


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


@pytest.mark.parametrize("phase", ["held", "failed"])
def test_a_run_whose_window_ended_is_not_shown_as_training(state: State, phase: str) -> None:
    submit(state, attempts=1)
    begin_progress(state, "run-1", pipeline="support", snapshot_id="snap-1", now=NOON)
    if phase == "held":
        assert hold_window(state, "support", 0, reason="no room left")
    else:
        window = find_window(state, "support", 0)
        assert fail_window(state, window, reason="no room left", log="")
    progress = read_progress(state, "run-1")
    assert progress is not None
    assert (progress.phase, progress.reason, progress.is_open) == (phase, "no room left", False)


def held(state: State, **columns: object) -> Row:
    """Window 0 as it is held, after it came as far as its columns say."""
    state.advance_window("support", 0, expect="claimed", phase="submitted", **columns)
    assert hold_window(state, "support", 0, reason="no room left")
    return find_window(state, "support", 0)


def retry(state: State, window: Row, *, is_anew: bool = False) -> Row:
    retry_window(state, window, actor="kim", reason="freed 40 GB", is_anew=is_anew)
    return find_window(state, "support", 0)


def test_a_held_run_goes_on_as_the_next_attempt_and_the_timeline_says_who_and_why(
    state: State,
) -> None:
    window = held(state, snapshot_id="snap-1", run_id="run-1", attempts=2)
    now = retry(state, window)
    assert (now["phase"], now["run_id"], now["attempts"]) == ("submitted", "run-1", 3)
    assert now["reason"] is None
    (told,) = state.timeline("support", kind="retried")
    assert told["subject"] == "run-1"
    assert told["detail"] == {
        "actor": "kim", "reason": "freed 40 GB", "from_version": 0, "attempt": 3, "was": "held",
        "because": "no room left",
    }  # fmt: skip


def test_an_attempt_anew_has_a_run_of_its_own(state: State) -> None:
    window = held(state, snapshot_id="snap-1", run_id="run-1", attempts=1)
    now = retry(state, window, is_anew=True)
    assert (now["phase"], now["attempts"]) == ("submitted", 2)
    assert now["run_id"].startswith("run-")
    assert now["run_id"] != "run-1"


@pytest.mark.parametrize(
    ("columns", "phase"), [({}, "claimed"), ({"snapshot_id": "snap-1"}, "frozen")]
)
def test_a_window_without_a_run_goes_back_to_where_it_came_from(
    state: State, columns: dict[str, str], phase: str
) -> None:
    now = retry(state, held(state, **columns))
    assert (now["phase"], now["attempts"]) == (phase, 0)
    assert state.timeline("support", kind="retried")[0]["subject"] == "window 0"


def test_an_attempt_that_somebody_else_ordered_meanwhile_is_not_ordered_twice(
    state: State,
) -> None:
    window = held(state, snapshot_id="snap-1", run_id="run-1", attempts=1)
    retry(state, window)
    with pytest.raises(StateError, match="is submitted: it is under way"):
        retry(state, find_window(state, "support", 0))
    with pytest.raises(StateError, match="read it again"):
        retry(state, window)
    assert len(state.timeline("support", kind="retried")) == 1


@pytest.mark.parametrize(
    ("phase", "said"), [("claimed", "window 2 is claimed"), ("trained", "window 2 is trained")]
)
def test_a_window_that_a_later_one_has_overtaken_is_not_retried(
    state: State, phase: str, said: str
) -> None:
    window = held(state, snapshot_id="snap-1", run_id="run-1", attempts=1)
    state.claim_window("support", 2, to_version=3, owner="a", detail={})
    if phase == "trained":
        state.advance_window("support", 2, expect="claimed", phase=phase)
    with pytest.raises(StateError, match=said):
        retry(state, window)
    assert find_window(state, "support", 0)["phase"] == "held"
    assert state.timeline("support", kind="retried") == []


def test_a_window_with_a_model_is_not_retried(state: State) -> None:
    state.advance_window("support", 0, expect="claimed", phase="trained", model_version="1")
    with pytest.raises(StateError, match="it has its model"):
        retry(state, find_window(state, "support", 0))
