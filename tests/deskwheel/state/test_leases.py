import pytest

from deskwheel.errors import LeaseLostError
from deskwheel.state import Fence, State
from tests.deskwheel.state.at_once import at_once


class Clock:
    """A database clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(database_url: str, clock: Clock) -> State:
    return State(database_url, clock=clock)


def test_a_lease_is_held_by_one_owner(state: State) -> None:
    assert state.acquire_lease("trigger", "a", ttl_s=60) == 1
    assert state.acquire_lease("trigger", "b", ttl_s=60) is None
    assert state.acquire_lease("trigger", "a", ttl_s=60) == 1, "a renewal keeps its token"


def test_an_expired_lease_is_taken_over_with_a_higher_token(state: State) -> None:
    state.acquire_lease("trigger", "a", ttl_s=-1)
    assert state.acquire_lease("trigger", "b", ttl_s=60) == 2
    assert state.acquire_lease("trigger", "a", ttl_s=60) is None


def test_a_lease_ends_by_the_databases_clock(timed: State, clock: Clock) -> None:
    timed.acquire_lease("trigger", "dead", ttl_s=60)
    clock.now_s += 60
    assert timed.acquire_lease("trigger", "b", ttl_s=60) is None
    clock.now_s += 1
    assert timed.acquire_lease("trigger", "b", ttl_s=60) == 2


@pytest.mark.parametrize(("back_s", "token"), [(1, None), (59, None), (61, 2), (86_400, 2)])
def test_a_lease_does_not_outlive_a_clock_that_was_set_back(
    timed: State, clock: Clock, back_s: float, token: int | None
) -> None:
    timed.acquire_lease("trigger", "dead", ttl_s=60)
    clock.now_s -= back_s
    assert timed.acquire_lease("trigger", "b", ttl_s=60) == token


def test_a_fence_holds_until_the_lease_is_taken_over_and_no_longer(
    timed: State, clock: Clock
) -> None:
    timed.acquire_lease("trigger", "a", ttl_s=60)
    fence = Fence("trigger", 1)
    clock.now_s += 3600
    timed.check_lease(fence)
    timed.acquire_lease("trigger", "b", ttl_s=60)
    with pytest.raises(LeaseLostError, match="take the lease again"):
        timed.check_lease(fence)


def test_a_lease_that_was_never_taken_gives_no_right(state: State) -> None:
    with pytest.raises(LeaseLostError):
        state.check_lease(Fence("trigger", 1))


def test_one_of_many_takes_a_lease_over(database_url: str, state: State) -> None:
    state.acquire_lease("trigger", "dead", ttl_s=-1)
    tokens = at_once(database_url, 6, lambda mine, n: mine.acquire_lease("trigger", f"w{n}", 60))
    assert [t for t in tokens if t is not None] == [2]


def test_one_of_many_takes_a_new_lease(database_url: str) -> None:
    tokens = at_once(database_url, 6, lambda mine, n: mine.acquire_lease("trigger", f"w{n}", 60))
    assert [t for t in tokens if t is not None] == [1]
