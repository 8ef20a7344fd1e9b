from typing import Any

import pytest

from deskwheel.ids import comparable
from deskwheel.records import Conversation
from tests.flow.reference import stored
from tests.transforms import toys
from tests.transforms.resolution.test_estimate import ANSWER
from tests.transforms.test_assemble import TURNS, edit, outcome, turn, whole
from tests.transforms.toys import chat, turns
from transforms.stored import StoredTurn

SENT = "We wrote to robin@example.net just now, please look there."
DRAFT = "Please send the router back to us."


def changed(number: int, **changes: Any) -> StoredTurn:
    """An agent's change of a suggestion, sent as turn 1."""
    texts = {"outcome": "edit", "draft_text": DRAFT, "final_text": ANSWER}
    return outcome(number, **{"about_turn_id": "t-1", **texts, **changes})


def thumb(number: int, kind: str, about: str | None = None) -> StoredTurn:
    return outcome(number, outcome=f"thumbs_{kind}", about_turn_id=about)


def edits_of(found: Conversation) -> list[tuple[str, str | None, str | None]]:
    return [(e.draft, e.final, e.turn_id) for e in found.edits or ()]


def test_an_edit_is_no_utterance_and_stands_beside_them() -> None:
    found = whole([*TURNS, changed(5)])
    assert edits_of(found) == [(DRAFT, ANSWER, "t-1")]
    assert [u.turn_id for u in found.utterances] == ["t-0", "t-1", "t-2", "t-3"]
    assert [u.authorship for u in found.utterances][:2] == ["human", "model_edited"]
    assert whole(TURNS).edits is None


@pytest.mark.parametrize("about", [None, "t-gone", "t-0"])
def test_an_edit_that_names_no_reply_belongs_to_the_nearest_that_says_what_was_sent(
    about: str | None,
) -> None:
    later = turn(7, text=ANSWER.upper())
    assert edits_of(whole([turn(0), turn(1), later, changed(2, about_turn_id=about)])) == [
        (DRAFT, ANSWER, "t-1")
    ]


def test_what_was_never_sent_so_belongs_to_no_turn() -> None:
    found = whole([*TURNS, changed(5, about_turn_id=None, final_text="Hold it for a minute.")])
    assert edits_of(found) == [(DRAFT, "Hold it for a minute.", None)]
    assert {u.authorship for u in found.utterances} == {"human"}


def test_a_draft_that_was_sent_as_it_was_is_no_edit() -> None:
    found = whole([*TURNS, changed(5, draft_text=f"  {ANSWER.upper()}!")])
    assert found.edits is None
    assert found.utterances[1].authorship == "human"


MODEL_S = turn(1, role="bot", authorship="model", text=DRAFT)


def test_a_model_s_message_that_an_agent_changes_or_takes_back_is_an_edit() -> None:
    first = edit(4, of=1, text="Second.", role="agent")
    last = edit(5, of=1, text=ANSWER, role="agent")
    assert edits_of(whole([turn(0), MODEL_S, first, last])) == [(DRAFT, ANSWER, "t-1")]
    deleted = edit(6, of=1, text=None, role="agent")
    assert edits_of(whole([turn(0), MODEL_S, first, deleted])) == [(DRAFT, None, None)]


@pytest.mark.parametrize(
    "turns",
    [
        [turn(1, text=DRAFT), edit(4, of=1, text=ANSWER, role="agent")],
        [MODEL_S, edit(4, of=1, text=ANSWER, role="bot", authorship="model")],
        [MODEL_S, edit(4, of=1, text=None, role="system")],
    ],
    ids=["one's own words", "the model itself", "nobody"],
)
def test_other_changes_of_messages_are_none(turns: list[StoredTurn]) -> None:
    assert whole([turn(0), *turns]).edits is None


def test_a_thumb_is_on_the_reply_it_names_or_on_the_one_before_it() -> None:
    assert whole([*TURNS, thumb(5, "up", "t-1")]).thumbs == {"t-1": "up"}
    assert whole([*TURNS, thumb(5, "up", "t-1"), thumb(6, "down", "t-1")]).thumbs == {"t-1": "down"}
    assert whole([*TURNS, thumb(5, "down")]).thumbs == {"t-3": "down"}
    early = thumb(2, "up")
    assert whole([*TURNS, early]).thumbs == {"t-1": "up"}
    nowhere = [thumb(5, "up", "t-0"), thumb(-1, "up"), thumb(5, "up", "t-x")]
    assert whole([*TURNS, *nowhere]).thumbs is None


def test_a_thumb_on_an_edited_message_is_on_the_turn_in_whose_place_it_stands() -> None:
    found = whole([turn(0), turn(1), edit(4, of=1, text="Second."), thumb(5, "up", "e-4")])
    assert found.thumbs == {"t-1": "up"}


def test_edits_have_the_placeholders_of_the_turns_and_change_none() -> None:
    said = [chat(text="My mail is robin@example.net."),
            chat(message_id="m-2", sender="agent", sent_at="2026-03-02T11:01:00Z",
                 text=SENT)]  # fmt: skip
    told = toys.outcome(kind="edit", csat=..., message_id="m-2",
                        draft="Ask kim@example.org or call +1 415 555 0137, please.",
                        final=SENT)  # fmt: skip
    rows = [row for event in said for row in turns(event)]
    alone, found = from_rows(rows), from_rows([*rows, *turns(told)])
    assert [u.text for u in found.utterances] == [u.text for u in alone.utterances]
    (changes,) = found.edits or ()
    assert changes.final == found.utterances[1].text
    assert "<EMAIL_1>" in found.utterances[1].text
    assert changes.draft == "Ask <EMAIL_2> or call <PHONE_1>, please."
    assert not any(value in repr(found) for value in ("robin@", "kim@", "0137"))


def from_rows(rows: list[Any]) -> Conversation:
    return whole([stored(row) for row in rows])


def test_copies_have_the_same_comparable_text() -> None:
    assert comparable("Hów do I\nrését <CARD_1>?!") == comparable("how do i reset <card_1>")
    assert comparable("a b") != comparable("ab")


def test_edits_are_in_order_of_time_whatever_their_order_of_arrival() -> None:
    turns_ = [*TURNS, changed(6, draft_text="One."), changed(5, draft_text="Two.")]
    assert [e.draft for e in whole(turns_).edits or ()] == ["Two.", "One."]
    assert whole(turns_[::-1]) == whole(turns_)
