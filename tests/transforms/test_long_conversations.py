"""What a conversation that never ends does to the state."""

import pytest

from deskwheel.settings import TransformsSettings
from tests.transforms.test_conversations import IDLE_MS, Clock, turns_of


@pytest.mark.timeout(60)
def test_fifty_thousand_turns_of_one_conversation_keep_the_state_small() -> None:
    settings = TransformsSettings()
    clock = Clock(max_turns=settings.max_turns, max_bytes=settings.max_conversation_bytes)
    told: list[str] = []
    most_kept = 0
    for start in range(0, 50_000, 250):
        closed = clock.say(*range(start, start + 250))
        told += [t.turn_id for c in closed for t in turns_of(c)]
        assert all(len(c.turns) == settings.max_turns for c in closed)
        most_kept = max(most_kept, len(clock.lines()))
    told += [t.turn_id for c in clock.at(IDLE_MS) for t in turns_of(c)]
    assert told == [f"t-{n}" for n in range(50_000)], "each turn once, in its order"
    assert most_kept < settings.max_turns
