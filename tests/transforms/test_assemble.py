from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.records import Conversation
from deskwheel.schema import to_table
from tests.transforms.resolution.test_estimate import ANSWER
from transforms.assemble import assemble
from transforms.stored import StoredTurn

NOON_US = 1_772_452_800_000_000


def turn(number: int, **changes: Any) -> StoredTurn:
    plain = StoredTurn(
        turn_id=f"t-{number}",
        tenant="acme",
        channel="chat",
        role="agent" if number % 2 else "customer",
        text=ANSWER if number % 2 else f"Question {number}?",
        sent_us=NOON_US + number,
        is_closing=False,
        status=None,
        csat=None,
        subject_key="s-1",
        agent_key="a-1" if number % 2 else None,
        authorship="human",
        counts={"CARD": 1},
    )
    return replace(plain, **changes)


END = turn(9, turn_id="t-end", role=None, text=None, is_closing=True, status="solved", csat=4,
           agent_key=None, counts={})  # fmt: skip
TURNS = [turn(0), turn(1), turn(2), turn(3), END]


def whole(turns: list[StoredTurn]) -> Conversation:
    return assemble("conv-1", turns, version=2, close_reason="stated", batch_id=5)


def test_a_conversation_is_its_turns_in_order_of_time() -> None:
    found = whole(TURNS)
    assert [u.turn_id for u in found.utterances] == ["t-0", "t-1", "t-2", "t-3"]
    assert [u.role for u in found.utterances] == ["customer", "agent", "customer", "agent"]
    assert (found.conversation_id, found.version, found.batch_id) == ("conv-1", 2, 5)
    assert (found.opened_at.microsecond, found.closed_at.microsecond) == (0, 9)


@given(st.permutations(TURNS), st.lists(st.sampled_from(TURNS), max_size=4))
def test_the_order_and_number_of_arrivals_do_not_matter(
    turns: list[StoredTurn], again: list[StoredTurn]
) -> None:
    assert whole([*turns, *again]) == whole(TURNS)


def test_turns_of_one_moment_have_a_fixed_order() -> None:
    same = [turn(n, sent_us=NOON_US) for n in range(4)]
    assert whole(same) == whole(same[::-1])


def test_the_closing_is_no_utterance_and_says_how_it_ended() -> None:
    found = whole(TURNS)
    assert (found.status, found.csat, found.resolution) == ("solved", 4, "resolved")
    signs = [sign.partition(":")[0] for sign in found.evidence]
    assert {"status_solved", "csat_high", "agent_answers"} <= set(signs)
    assert "t-end" not in {u.turn_id for u in found.utterances}


def test_the_last_word_on_the_outcome_counts() -> None:
    later = replace(END, turn_id="t-x", sent_us=END.sent_us + 1, status="unsolved", csat=None)
    found = whole([later, *TURNS])
    assert (found.status, found.csat) == ("unsolved", 4)


def test_an_agent_that_is_known_once_is_known() -> None:
    found = whole([turn(1, subject_key=None), turn(2)])
    assert (found.agent_key, found.subject_key) == ("a-1", "s-1")


def test_masks_are_counted_over_all_turns_once() -> None:
    assert whole([*TURNS, turn(0)]).redaction.counts == {"CARD": 4}


def test_an_end_alone_is_a_conversation_without_words() -> None:
    found = whole([END])
    assert found.utterances == []
    assert found.resolution == "unresolved"


def test_a_conversation_fits_the_table() -> None:
    assert to_table([whole(TURNS), whole([END])], Conversation).num_rows == 2


@pytest.mark.parametrize("kept", TURNS, ids=lambda t: t.turn_id)
def test_the_state_gives_back_the_turn_it_was_given(kept: StoredTurn) -> None:
    assert StoredTurn.from_json(kept.to_json()) == kept


def outcome(number: int, **changes: Any) -> StoredTurn:
    """What came of the conversation, as the state keeps an outcome's row."""
    plain = turn(number, role=None, text=None, agent_key=None, counts={})
    return replace(plain, turn_id=f"t-outcome-{number}", **changes)


def test_a_late_rating_and_a_reopening_change_how_it_ended_and_not_what_was_said() -> None:
    rated = outcome(20, is_closing=True, csat=1)
    reopened = outcome(21, status="open")
    before, after = whole(TURNS), whole([*TURNS, rated, reopened])
    assert (before.status, before.csat, before.resolution) == ("solved", 4, "resolved")
    assert (after.status, after.csat, after.resolution) == ("open", 1, "unresolved")
    assert after.utterances == before.utterances


def test_an_outcome_that_came_first_does_not_decide_the_channel() -> None:
    early = outcome(-5, is_closing=True, csat=5)
    assert whole([early, *TURNS]).channel == "chat"


def edit(number: int, of: int, text: str | None, **changes: Any) -> StoredTurn:
    return turn(number, turn_id=f"e-{number}", replaces=f"t-{of}", text=text, **changes)


def test_the_last_edit_is_the_text_of_the_turn_in_its_old_place() -> None:
    found = whole([*TURNS, edit(6, of=1, text="Third."), edit(5, of=1, text="Second.")])
    assert [u.turn_id for u in found.utterances] == ["t-0", "t-1", "t-2", "t-3"]
    assert [u.text for u in found.utterances][1] == "Third."
    assert [u.is_edited for u in found.utterances] == [None, True, None, None]


def test_a_turn_that_was_deleted_is_gone_until_it_is_edited_back() -> None:
    deleted = [*TURNS, edit(5, of=1, text=None)]
    assert [u.turn_id for u in whole(deleted).utterances] == ["t-0", "t-2", "t-3"]
    assert len(whole([*deleted, edit(6, of=1, text="Again.")]).utterances) == 4


def test_an_edit_whose_turn_has_not_come_yet_says_its_text_itself() -> None:
    early = whole([turn(0), edit(5, of=1, text="Second.")])
    assert [u.text for u in early.utterances][1] == "Second."
    assert len(whole([turn(0), turn(1), edit(5, of=1, text="Second.")]).utterances) == 2
    assert len(whole([turn(0), edit(5, of=1, text=None)]).utterances) == 1


def test_a_model_s_answer_that_an_agent_edited_is_a_model_s_edited() -> None:
    answer = turn(1, role="bot", authorship="model")
    by_agent = whole([turn(0), answer, edit(5, of=1, text="Better.", role="agent")])
    assert by_agent.utterances[1].authorship == "model_edited"
    by_itself = whole([turn(0), answer, edit(5, of=1, text="x", role="bot", authorship="model")])
    assert by_itself.utterances[1].authorship == "model"
