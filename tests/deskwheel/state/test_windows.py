import pytest

from deskwheel.errors import LeaseLostError, StateError
from deskwheel.state import END_PHASES, REOPENABLE, Fence, State
from tests.deskwheel.state.at_once import at_once


def claim(state: State, owner: str, from_version: int = 0, *, fence: Fence | None = None) -> bool:
    return state.claim_window(
        "support",
        from_version,
        to_version=from_version + 3,
        owner=owner,
        detail={"n": 1},
        fence=fence,
    )


def take_over(state: State, owner: str) -> Fence:
    """The right of a new owner, whoever had the lease before."""
    held = state.acquire_lease("watch", owner, -1.0)
    assert held is not None
    return Fence("watch", held)


def test_a_window_is_claimed_by_exactly_one_of_many(database_url: str, state: State) -> None:
    won = at_once(database_url, 8, lambda mine, number: claim(mine, f"watcher-{number}"))
    assert sorted(won) == [False] * 7 + [True]
    (window,) = state.windows("support")
    assert window["owner"] == f"watcher-{won.index(True)}"


def test_another_pipeline_and_the_next_version_have_windows_of_their_own(state: State) -> None:
    assert claim(state, "a")
    assert claim(state, "a", from_version=4)
    assert state.claim_window("other", 0, to_version=5, owner="a", detail={})


@pytest.mark.parametrize(("first", "last"), [(0, 9), (2, 2), (3, 9), (0, 2)])
def test_a_window_that_takes_in_versions_of_another_is_not_claimed(
    state: State, first: int, last: int
) -> None:
    assert claim(state, "a", from_version=2)
    assert not state.claim_window("support", first, to_version=last, owner="b", detail={})
    assert [w["owner"] for w in state.windows("support")] == ["a"]


def test_a_window_moves_only_from_the_phase_it_is_in(state: State) -> None:
    claim(state, "a")
    state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-1")
    with pytest.raises(StateError, match="not in phase 'claimed'"):
        state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-2")
    (window,) = state.windows("support", phase="frozen")
    assert (window["snapshot_id"], window["detail"]) == ("snap-1", {"n": 1})


@pytest.mark.parametrize("phase", END_PHASES)
def test_a_window_that_has_ended_moves_no_more(state: State, phase: str) -> None:
    claim(state, "a")
    state.advance_window("support", 0, expect="claimed", phase=phase, reason="why")
    with pytest.raises(StateError, match="has ended"):
        state.advance_window("support", 0, expect=phase, phase="claimed")
    (window,) = state.windows("support")
    assert (window["phase"], window["reason"]) == (phase, "why")


def test_a_window_moves_only_at_the_attempt_that_is_under_way(state: State) -> None:
    claim(state, "a")
    state.advance_window("support", 0, expect="claimed", phase="submitted", attempts=2)
    with pytest.raises(StateError, match="at attempt 1"):
        state.advance_window("support", 0, expect="submitted", phase="held", attempt=1)
    state.advance_window("support", 0, expect="submitted", phase="held", attempt=2)
    assert state.windows("support")[0]["phase"] == "held"


def test_one_of_two_watchers_advances_a_window(database_url: str, state: State) -> None:
    claim(state, "a")

    def submit(mine: State, number: int) -> None:
        mine.advance_window(
            "support", 0, expect="claimed", phase="submitted", run_id=f"run-{number}"
        )

    results = at_once(database_url, 2, submit)
    assert sum(isinstance(r, StateError) for r in results) == 1


def test_who_lost_the_lease_neither_claims_nor_moves_nor_tells(state: State) -> None:
    zombie = take_over(state, "a")
    assert claim(state, "a", fence=zombie)
    take_over(state, "b")
    with pytest.raises(LeaseLostError, match="watch is no longer held under token 1"):
        claim(state, "a", from_version=4, fence=zombie)
    with pytest.raises(LeaseLostError):
        state.advance_window("support", 0, expect="claimed", phase="failed", fence=zombie)
    with pytest.raises(LeaseLostError):
        state.record("support", "trigger", "v1", {}, fence=zombie)
    with pytest.raises(LeaseLostError):
        state.put("split", "support", {}, fence=zombie)
    assert [(w["from_version"], w["phase"]) for w in state.windows("support")] == [(0, "claimed")]
    assert state.timeline("support") == []
    assert state.get("split", "support") is None


def test_a_window_names_the_lease_that_moved_it_last(state: State) -> None:
    claim(state, "a", fence=take_over(state, "a"))
    assert state.windows("support")[0]["moved_by"] == "watch#1"
    second = take_over(state, "b")
    state.advance_window("support", 0, expect="claimed", phase="frozen", fence=second)
    assert state.windows("support")[0]["moved_by"] == "watch#2"


def test_a_takeover_waits_for_a_move_under_way(database_url: str, state: State) -> None:
    """Either the move is refused, or it was there before the new owner acts."""

    def either(mine: State, number: int) -> object:
        if number:
            token = mine.acquire_lease("watch", "b", 60.0)
            return token, [w["phase"] for w in mine.windows("support")]
        return claim(mine, "a", from_version=0, fence=fence)

    fence = take_over(state, "a")
    claimed, seen = at_once(database_url, 2, either)
    assert seen in ((2, ["claimed"]), (2, []))
    if seen == (2, []):
        assert isinstance(claimed, LeaseLostError)


def test_windows_come_oldest_first(state: State) -> None:
    for version in (9, 0, 4):
        claim(state, "a", from_version=version)
    assert [w["from_version"] for w in state.windows("support")] == [0, 4, 9]


def end(state: State, from_version: int, phase: str) -> None:
    claim(state, "a", from_version)
    state.advance_window("support", from_version, expect="claimed", phase=phase, reason="why")


def reopen(state: State, from_version: int = 0, *, expect: str = "held", attempt: int = 0) -> None:
    state.reopen_window(
        "support", from_version, expect=expect, attempt=attempt, phase="claimed", lease="watch"
    )


@pytest.mark.parametrize("phase", REOPENABLE)
def test_a_window_without_a_model_can_be_reopened_once(state: State, phase: str) -> None:
    end(state, 0, phase)
    reopen(state, expect=phase)
    (window,) = state.windows("support")
    assert (window["phase"], window["reason"], window["moved_by"]) == ("claimed", None, "")
    with pytest.raises(StateError, match="read it again"):
        reopen(state, expect=phase)


def test_a_trained_window_is_never_reopened(state: State) -> None:
    end(state, 0, "trained")
    with pytest.raises(StateError, match="is not 'trained' at attempt 0"):
        reopen(state, expect="trained")
    with pytest.raises(StateError, match="is not 'held' at attempt 0"):
        reopen(state)


def test_a_window_is_reopened_only_at_the_attempt_that_was_read(state: State) -> None:
    claim(state, "a")
    state.advance_window("support", 0, expect="claimed", phase="held", attempts=2)
    with pytest.raises(StateError, match="at attempt 1"):
        reopen(state, attempt=1)
    reopen(state, attempt=2)


@pytest.mark.parametrize(
    ("earlier", "later", "is_free"),
    [
        ("held", "held", True),
        ("held", "failed", True),
        ("trained", "held", True),
        ("held", "trained", False),
        ("held", "claimed", False),
    ],
)
def test_a_window_is_reopened_unless_a_later_one_is_open_or_trained(
    state: State, earlier: str, later: str, is_free: bool
) -> None:
    end(state, 0, earlier)
    claim(state, "a", 4)
    if later != "claimed":
        state.advance_window("support", 4, expect="claimed", phase=later)
    end(state, 8, "failed")
    start = 0 if earlier == "held" else 4
    if is_free:
        reopen(state, start)
    else:
        with pytest.raises(StateError, match="another window is open, or a later one is trained"):
            reopen(state, start)


def test_only_one_window_is_open_whether_a_claim_or_a_reopening_comes_first(
    database_url: str, state: State
) -> None:
    fence = take_over(state, "a")
    for start in range(0, 80, 8):
        end(state, start, "held")

        def either(mine: State, number: int, start: int = start) -> bool:
            if number:
                return mine.claim_window(
                    "support", start + 4, to_version=start + 4, owner="a", detail={}, fence=fence,
                    is_alone=True,
                )  # fmt: skip
            reopen(mine, start)
            return True

        both = at_once(database_url, 2, either)
        phases = [w["phase"] for w in state.windows("support") if w["from_version"] >= start]
        assert phases.count("claimed") == 1, both
        for window in state.windows("support", phase="claimed"):
            state.advance_window(
                "support", window["from_version"], expect="claimed", phase="failed"
            )


def test_a_window_of_another_pipeline_is_in_nobodys_way(state: State) -> None:
    end(state, 0, "held")
    state.claim_window("other", 9, to_version=9, owner="a", detail={}, is_alone=True)
    reopen(state)
