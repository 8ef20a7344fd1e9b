import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deskwheel.errors import StateError
from deskwheel.state import State


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def state(url: str) -> Iterator[State]:
    made = State(url)
    yield made
    made.close()


def at_once(url: str, calls: int, do: Callable[[State, int], Any]) -> list[Any]:
    """What each call returned or raised, all started together on connections of their own."""
    barrier = threading.Barrier(calls)

    def one(number: int) -> Any:
        barrier.wait(timeout=30)
        mine = State(url)
        try:
            return do(mine, number)
        except StateError as error:
            return error
        finally:
            mine.close()

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(one, range(calls)))


def claim(state: State, owner: str, from_version: int = 0) -> bool:
    return state.claim_window("support", from_version, to_version=5, owner=owner, detail={"n": 1})


def test_a_window_is_claimed_by_exactly_one_of_many(url: str, state: State) -> None:
    won = at_once(url, 8, lambda mine, number: claim(mine, f"watcher-{number}"))
    assert sorted(won) == [False] * 7 + [True]
    (window,) = state.windows("support")
    assert window["owner"] == f"watcher-{won.index(True)}"


def test_another_pipeline_and_the_next_version_have_windows_of_their_own(state: State) -> None:
    assert claim(state, "a")
    assert claim(state, "a", from_version=5)
    assert state.claim_window("other", 0, to_version=5, owner="a", detail={})


def test_a_window_moves_only_from_the_phase_it_is_in(state: State) -> None:
    claim(state, "a")
    state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-1")
    with pytest.raises(StateError, match="not in phase 'claimed'"):
        state.advance_window("support", 0, expect="claimed", phase="frozen", snapshot_id="snap-2")
    (window,) = state.windows("support", phase="frozen")
    assert (window["snapshot_id"], window["detail"]) == ("snap-1", {"n": 1})


def test_one_of_two_watchers_advances_a_window(url: str, state: State) -> None:
    claim(state, "a")

    def submit(mine: State, number: int) -> None:
        mine.advance_window(
            "support", 0, expect="claimed", phase="submitted", run_id=f"run-{number}"
        )

    results = at_once(url, 2, submit)
    assert sum(isinstance(r, StateError) for r in results) == 1


def test_windows_come_oldest_first(state: State) -> None:
    for version in (9, 0, 4):
        claim(state, "a", from_version=version)
    assert [w["from_version"] for w in state.windows("support")] == [0, 4, 9]


def test_a_lease_is_held_by_one_owner(state: State) -> None:
    assert state.acquire_lease("trigger", "a", ttl_s=60) == 1
    assert state.acquire_lease("trigger", "b", ttl_s=60) is None
    assert state.acquire_lease("trigger", "a", ttl_s=60) == 1, "a renewal keeps its token"


def test_an_expired_lease_is_taken_over_with_a_higher_token(state: State) -> None:
    state.acquire_lease("trigger", "a", ttl_s=-1)
    assert state.acquire_lease("trigger", "b", ttl_s=60) == 2
    assert state.acquire_lease("trigger", "a", ttl_s=60) is None


def test_one_of_many_takes_a_lease_over(url: str, state: State) -> None:
    state.acquire_lease("trigger", "dead", ttl_s=-1)
    tokens = at_once(url, 6, lambda mine, n: mine.acquire_lease("trigger", f"w{n}", 60))
    assert [t for t in tokens if t is not None] == [2]


def test_one_of_many_takes_a_new_lease(url: str) -> None:
    tokens = at_once(url, 6, lambda mine, n: mine.acquire_lease("trigger", f"w{n}", 60))
    assert [t for t in tokens if t is not None] == [1]


def test_a_document_counts_its_revisions(state: State) -> None:
    assert state.put("split", "support", {"share": 0.05}) == 1
    assert state.put("split", "support", {"share": 0.25}) == 2
    assert state.get("split", "support") == ({"share": 0.25}, 2)
    assert state.get("split", "other") is None


def test_a_document_of_another_revision_is_not_overwritten(state: State) -> None:
    state.put("split", "support", {"share": 0.05})
    with pytest.raises(StateError, match="revision 1, not 0"):
        state.put("split", "support", {"share": 0.5}, expect=0)
    assert state.put("split", "support", {"share": 0.5}, expect=1) == 2


def test_one_of_many_writers_changes_a_document(url: str, state: State) -> None:
    state.put("split", "support", {"by": "nobody"})
    results = at_once(url, 6, lambda mine, n: mine.put("split", "support", {"by": n}, expect=1))
    assert [r for r in results if not isinstance(r, StateError)] == [2]
    found = state.get("split", "support")
    assert found is not None
    assert found[1] == 2


def test_one_of_many_writers_creates_a_document(url: str) -> None:
    results = at_once(url, 6, lambda mine, n: mine.put("split", "support", {"by": n}, expect=0))
    assert [r for r in results if not isinstance(r, StateError)] == [1]


def test_documents_of_a_kind_are_read_by_id(state: State) -> None:
    for name in ("b", "a"):
        state.put("variant", name, {"name": name})
    assert list(state.documents("variant")) == ["a", "b"]
    assert state.documents("run") == {}


def test_the_timeline_is_newest_first_and_can_be_followed(state: State) -> None:
    for number in range(3):
        state.record("support", "trigger", f"v{number}", {"fired": number == 2})
    state.record("other", "trigger", "v9", {})
    entries = state.timeline("support")
    assert [e["subject"] for e in entries] == ["v2", "v1", "v0"]
    assert entries[0]["detail"] == {"fired": True}
    assert [e["subject"] for e in state.timeline("support", after=entries[1]["id"])] == ["v2"]
    assert state.timeline("support", kind="frozen") == []


def test_state_survives_its_process(url: str) -> None:
    first = State(url)
    claim(first, "a")
    first.close()
    second = State(url)
    assert not claim(second, "b")
    second.close()


def test_many_processes_may_create_the_database_at_once(url: str) -> None:
    assert at_once(url, 8, lambda mine, _: mine.documents("split")) == [{}] * 8
