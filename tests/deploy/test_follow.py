import threading

from deploy.follow import SplitFollower
from deploy.rollback import take_out
from deploy.roster import PROMPT_BOT, change_split
from deskwheel.records import Variant
from deskwheel.state import State
from tests.deploy.conftest import FakeVoice, Shop, put_to_test


def names(shop: Shop) -> tuple[str, ...]:
    assert shop.follower.serving is not None
    return shop.follower.serving.split.names()


def test_new_variant_answers_only_once_it_is_loaded(state: State) -> None:
    """The split changes while the adapter loads: until then the old split is in force."""
    may_finish, is_loading = threading.Event(), threading.Event()

    def load(variant: Variant) -> FakeVoice:
        if variant.name != PROMPT_BOT:
            is_loading.set()
            assert may_finish.wait(10)
        return FakeVoice(variant.name)

    follower = SplitFollower(state, "support", load=load, poll_s=60)
    follower.look()
    put_to_test(state)
    look = threading.Thread(target=follower.look)
    look.start()
    assert is_loading.wait(10)
    assert follower.serving is not None
    assert follower.serving.split.names() == (PROMPT_BOT,)
    may_finish.set()
    look.join(10)
    assert follower.serving.split.names() == (PROMPT_BOT, "support-v1")
    assert set(follower.serving.voices) == {PROMPT_BOT, "support-v1"}


def test_a_rollback_during_loading_wins(state: State) -> None:
    def load(variant: Variant) -> FakeVoice:
        if variant.name != PROMPT_BOT:
            take_out(state, "support", "while it was loading")
        return FakeVoice(variant.name)

    follower = SplitFollower(state, "support", load=load, poll_s=60)
    follower.look()
    put_to_test(state)
    follower.look()
    assert follower.serving is not None
    assert follower.serving.split.names() == (PROMPT_BOT,)
    assert not [e for e in state.timeline("support", kind="served") if e["subject"] != PROMPT_BOT]


def test_a_broken_adapter_leaves_the_old_split_in_force(shop: Shop) -> None:
    shop.broken.add("support-v1")
    put_to_test(shop.state)
    shop.follower.look()
    assert names(shop) == (PROMPT_BOT,)
    assert "broken" in str(shop.follower.problem)


def test_a_broken_adapter_is_tried_again_later_but_not_at_every_look(shop: Shop) -> None:
    shop.broken.add("support-v1")
    put_to_test(shop.state)
    for _ in range(10):
        shop.follower.look()
    assert shop.loads.count("support-v1") == 1
    shop.broken.clear()
    for _ in range(40):
        shop.follower.look()
    assert names(shop) == (PROMPT_BOT, "support-v1")
    assert shop.follower.problem is None


def test_a_new_replica_starts_with_the_champion_when_the_challenger_is_broken(
    state: State,
) -> None:
    put_to_test(state)

    def load(variant: Variant) -> FakeVoice:
        if variant.name != PROMPT_BOT:
            raise OSError("broken")
        return FakeVoice(variant.name)

    follower = SplitFollower(state, "support", load=load, poll_s=60)
    follower.look()
    assert follower.serving is not None
    assert follower.serving.split.names() == (PROMPT_BOT,)


def test_nothing_is_loaded_twice_when_only_the_share_changes(shop: Shop) -> None:
    put_to_test(shop.state, share=0.2)
    shop.follower.look()
    change_split(
        shop.state, "support", lambda now: now.with_challenger("support-v1", 0.5, salt="x")
    )
    shop.follower.look()
    assert shop.follower.serving is not None
    assert shop.follower.serving.split.share == 0.5
    assert sorted(shop.loads) == [PROMPT_BOT, "support-v1"]


def test_served_is_told_once_a_variant_and_share(shop: Shop) -> None:
    put_to_test(shop.state, share=0.2)
    for _ in range(3):
        shop.follower.look()
    change_split(
        shop.state, "support", lambda now: now.with_challenger("support-v1", 0.5, salt="x")
    )
    shop.follower.look()
    told = [(e["subject"], e["detail"]["share"]) for e in shop.state.timeline("support")]
    assert told == [("support-v1", 0.5), ("support-v1", 0.2), (PROMPT_BOT, 0.0)]


def test_the_thread_follows_a_change_by_itself(state: State) -> None:
    loaded = threading.Event()

    def load(variant: Variant) -> FakeVoice:
        if variant.name != PROMPT_BOT:
            loaded.set()
        return FakeVoice(variant.name)

    follower = SplitFollower(state, "support", load=load, poll_s=0.05)
    follower.start()
    put_to_test(state)
    assert loaded.wait(10)
    follower.stop()


def test_an_unreadable_split_leaves_the_old_one_in_force(shop: Shop) -> None:
    shop.state.put("split", "support", {"champion": 7})
    shop.follower.look()
    assert names(shop) == (PROMPT_BOT,)
    assert "cannot be read" in str(shop.follower.problem)
    assert shop.ask().status_code == 200
