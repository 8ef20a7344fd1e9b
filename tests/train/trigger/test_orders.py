import pytest

from deskwheel.errors import StateError
from deskwheel.settings import Settings
from deskwheel.state import State
from tests.train.trigger.moments import DAY, NOW, claim, fill
from train.trigger import orders
from train.trigger.decide import decide
from train.watch import Watcher

WHO = {"by": "ann@desk", "now": NOW}


def test_a_pause_holds_until_it_is_resumed_and_both_stand_on_the_timeline(
    settings: Settings, state: State
) -> None:
    fill(settings)
    orders.pause(state, "support", reason="base model is changed", **WHO)
    decision = decide(settings, state, now=NOW)
    assert decision.outcome == "paused"
    assert decision.reason.startswith("paused by ann@desk: base model is changed")
    with pytest.raises(StateError, match="paused already by ann@desk"):
        orders.pause(state, "support", reason="again", **WHO)
    orders.resume(state, "support", reason="done", **WHO)
    assert decide(settings, state, now=NOW).fired
    with pytest.raises(StateError, match="is not paused"):
        orders.resume(state, "support", reason="", **WHO)
    assert [e["kind"] for e in state.timeline("support")] == ["resumed", "paused"]


def test_an_order_is_spent_by_the_first_window_and_no_second_one(
    settings: Settings, state: State
) -> None:
    fill(settings)
    order = orders.ask(state, "support", reason="new product", **WHO)
    first = Watcher(settings, state, owner="a")
    second = Watcher(settings, State(settings.pipeline.state_url), owner="b")
    assert first.step(NOW)
    first.release()
    assert second.step(NOW)
    (window,) = state.windows("support")
    assert window["detail"]["request"] == order.id
    state.advance_window("support", 0, expect="claimed", phase="failed")
    fill(settings, first=10)
    later = decide(settings, state, now=NOW)
    assert (later.outcome, later.request_id) == ("cooling_down", None)


def test_of_two_watchers_that_saw_one_order_at_once_one_claims(
    settings: Settings, state: State
) -> None:
    """The cruellest order of things: both decide, both claim, on either side of a new version."""
    fill(settings)
    order = orders.ask(state, "support", reason="new product", **WHO)
    other = State(settings.pipeline.state_url)
    one = decide(settings, state, now=NOW)
    fill(settings, first=10)
    two = decide(settings, other, now=NOW)
    assert (one.request_id, two.request_id) == (order.id, order.id)
    won = [
        s.claim_window("support", 0, to_version=d.version or 0, owner="w", detail=d.detail())
        for s, d in ((other, two), (state, one))
    ]
    assert won == [True, False]
    assert orders.read_request(state, "support", state.windows("support")) is None


def test_an_order_fires_below_the_minimum_and_in_the_cool_down(
    settings: Settings, state: State
) -> None:
    claim(state, first := fill(settings))
    fill(settings, first=10)
    orders.ask(state, "support", reason="demo at noon", **WHO)
    Watcher(settings, state, owner="a").step(NOW)
    assert [w["from_version"] for w in state.windows("support")] == [0, first + 1]


def test_a_second_order_and_one_while_paused_are_refused(state: State) -> None:
    orders.ask(state, "support", reason="new product", **WHO)
    with pytest.raises(StateError, match="an order by ann@desk waits already: new product"):
        orders.ask(state, "support", reason="me too", **WHO)
    orders.pause(state, "other", reason="move", **WHO)
    with pytest.raises(StateError, match="resume it, then fire"):
        orders.ask(state, "other", reason="now", **WHO)


def test_the_next_order_is_another_one(settings: Settings, state: State) -> None:
    fill(settings)
    first = orders.ask(state, "support", reason="new product", **WHO)
    Watcher(settings, state, owner="a").step(NOW)
    second = orders.ask(state, "support", reason="new product", **WHO)
    assert second.id != first.id
    assert orders.read_request(state, "support", state.windows("support")) == second


def test_a_pause_keeps_a_waiting_order(settings: Settings, state: State) -> None:
    fill(settings)
    orders.ask(state, "support", reason="new product", **WHO)
    orders.pause(state, "support", reason="wait", **WHO)
    Watcher(settings, state, owner="a").step(NOW)
    assert state.windows("support") == []
    orders.resume(state, "support", reason="", **WHO)
    Watcher(settings, state, owner="a").step(NOW + DAY)
    assert len(state.windows("support")) == 1
