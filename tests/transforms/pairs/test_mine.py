from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deskwheel.ids import content_hash
from deskwheel.marks import Edit
from deskwheel.records import Conversation, Redaction, Role
from tests.transforms.resolution.test_estimate import ANSWER, ANSWERED, ASKED, NOON, said
from transforms.pairs.mine import mine_pairs

WHOLE = Conversation(
    conversation_id="conv-1", version=1, tenant="acme", channel="chat", subject_key="s-1",
    agent_key="a-1", opened_at=NOON, closed_at=NOON, close_reason="stated", utterances=(),
    status="solved", csat=5, resolution_probability=0.9, resolution="resolved", evidence=(),
    category="SETUP", sentiment="neutral", redaction=Redaction(version="r", counts={"CARD": 1}),
    ruleset_version="c-1", code_version="0", batch_id=0,
)  # fmt: skip


def talk(*lines: tuple[Role, str], **changes: Any) -> Conversation:
    return replace(WHOLE, utterances=said(*lines), **changes)


def test_question_and_answer_are_a_pair_with_all_that_is_known() -> None:
    (pair,) = mine_pairs(talk(ASKED, ANSWERED))
    assert (pair.query, pair.response, pair.kind) == (ASKED[1], ANSWER, "ideal")
    assert pair.turn_ids == ["t-0", "t-1"]
    assert (pair.conversation_id, pair.conversation_version, pair.position) == ("conv-1", 1, 0)
    assert (pair.subject_key, pair.agent_key, pair.csat) == ("s-1", "a-1", 5)
    assert pair.redaction.counts == {"CARD": 1}
    assert pair.sent_at == said(ASKED, ANSWERED)[1].sent_at


@pytest.mark.parametrize("greeting", ["Hi", "Hello there!", "Good morning", "is anyone there?"])
def test_a_greeting_is_no_question(greeting: str) -> None:
    (pair,) = mine_pairs(talk(("customer", greeting), ASKED, ANSWERED))
    assert pair.query == ASKED[1]


def test_several_messages_before_the_answer_are_one_need() -> None:
    (pair,) = mine_pairs(talk(ASKED, ("customer", "It blinks red."), ANSWERED))
    assert pair.query == f"{ASKED[1]}\nIt blinks red."
    assert pair.turn_ids == ["t-0", "t-1", "t-2"]


def test_what_the_agent_asked_back_is_context() -> None:
    lines = (ASKED, ("agent", "Which router do you have?"), ("customer", "The blue one."))
    (pair,) = mine_pairs(talk(*lines, ANSWERED))
    assert pair.query == ASKED[1]
    assert pair.context == "agent: Which router do you have?\ncustomer: The blue one."


def test_an_answer_in_several_messages_is_one() -> None:
    more = "Afterwards choose your network and type the key from the sticker."
    (pair,) = mine_pairs(talk(ASKED, ANSWERED, ("agent", more), ("customer", "That worked.")))
    assert pair.response == f"{ANSWER}\n{more}"


def test_after_a_failed_attempt_the_last_answer_counts_and_the_first_is_a_negative() -> None:
    second = "Then please hold it for thirty seconds, until the light turns green."
    lines = (ASKED, ANSWERED, ("customer", "It did not work."), ("agent", second))
    failed, pair = mine_pairs(talk(*lines, ("customer", "That worked.")))
    assert (pair.kind, pair.query, pair.response) == ("ideal", ASKED[1], second)
    assert (failed.kind, failed.negative_kind, failed.response) == (
        "negative",
        "unresolved",
        ANSWER,
    )


def test_two_needs_are_two_pairs() -> None:
    other = "You find it on the sticker below the router, beside the bar code."
    lines = (ASKED, ANSWERED, ("customer", "Works now, thanks!"))
    lines = (*lines, ("customer", "One more thing, where is the key?"), ("agent", other))
    first, second = mine_pairs(talk(*lines, ("customer", "Found it.")))
    assert (first.query, first.response) == (ASKED[1], ANSWER)
    assert (second.query, second.response) == ("One more thing, where is the key?", other)
    assert [first.position, second.position] == [0, 1]
    assert first.example_id != second.example_id


def test_a_question_after_an_answer_is_a_pair_of_its_own() -> None:
    other = "The red light means that there is no signal on the line."
    follow = ("customer", "And what does the red light mean?")
    talked = talk(ASKED, ANSWERED, follow, ("agent", other), ("customer", "thanks"))  # type: ignore[arg-type]
    first, second = mine_pairs(talked)
    assert (first.query, first.response) == (ASKED[1], ANSWER)
    assert (second.query, second.response) == (follow[1], other)
    assert second.context == f"customer: {ASKED[1]}\nagent: {ANSWER}"


def test_greeting_and_identification_leave_the_query() -> None:
    whole = f"Hi, this is <PERSON_1>. My phone is <PHONE_1>. {ASKED[1]} Thanks!"
    (pair,) = mine_pairs(talk(("customer", whole), ANSWERED))
    assert pair.query == ASKED[1]
    (called,) = mine_pairs(talk(("customer", whole), ("agent", f"{ANSWER} Or call <PHONE_1>.")))
    assert called.query == f"My phone is <PHONE_1>. {ASKED[1]}"


def test_greeting_patience_and_farewell_leave_the_answer() -> None:
    whole = f"Hello Robin! Thanks for your patience. {ANSWER} Have a great day!"
    (pair,) = mine_pairs(talk(ASKED, ("agent", whole)))
    assert pair.response.endswith(ANSWER)
    assert "patience" not in pair.response
    assert "great day" not in pair.response


def test_a_needless_apology_is_cut_and_kept_as_a_negative() -> None:
    whole = f"I am so sorry to hear that. {ANSWER}"
    ideal, negative = mine_pairs(talk(ASKED, ("agent", whole)))
    assert (ideal.response, ideal.has_needless_apology) == (ANSWER, False)
    assert (negative.kind, negative.negative_kind) == ("negative", "needless_apology")
    assert (negative.response, negative.has_needless_apology) == (whole, True)


def test_an_apology_for_an_answer_that_failed_is_warranted() -> None:
    sorry = f"I am so sorry for the trouble with my first answer. {ANSWER}"
    first = ("agent", "Press the round key on its front until it starts to blink.")
    lines = (ASKED, first, ("customer", "great, still bright"), ("agent", sorry))
    failed, ideal = mine_pairs(talk(*lines, ("customer", "That worked.")))  # type: ignore[arg-type]
    assert (failed.negative_kind, failed.has_needless_apology) == ("unresolved", False)
    assert (ideal.response, ideal.has_needless_apology) == (sorry, False)


def test_a_rude_answer_is_only_a_negative() -> None:
    (pair,) = mine_pairs(talk(ASKED, ("agent", f"Just read the manual. {ANSWER}")))
    assert (pair.kind, pair.negative_kind) == ("negative", "rude")
    (kind,) = mine_pairs(talk(ASKED, ("agent", f"You can just use the manual. {ANSWER}")))
    assert kind.kind == "ideal"


def test_who_evades_gives_a_negative() -> None:
    (pair,) = mine_pairs(talk(ASKED, ("agent", "Your request is important to us.")))
    assert (pair.kind, pair.negative_kind) == ("negative", "evasive")


def test_empathy_is_marked() -> None:
    response = f"I understand how frustrating that is. {ANSWER}"
    broken = ("customer", "My router is broken, it blinks.")
    (pair,) = mine_pairs(talk(broken, ("agent", response)))  # type: ignore[arg-type]
    assert pair.is_empathetic
    assert pair.kind == "ideal"


@pytest.mark.parametrize(
    "goodbye",
    [
        "You're welcome, is there anything else that I can do for you today?",
        "Thank you for contacting Acme, have a great day and take care.",
        "Could you tell me which of the two routers it is that you have there?",
        "Let me check.",
    ],
)
def test_goodbyes_and_questions_are_no_answer(goodbye: str) -> None:
    (pair,) = mine_pairs(talk(ASKED, ANSWERED, ("agent", goodbye)))
    assert pair.response == ANSWER


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [ASKED],
        [ANSWERED],
        [ANSWERED, ASKED],
        [ASKED, ("agent", "Let me check.")],
        [("customer", "Hello"), ANSWERED],
        [ASKED, ("bot", ANSWER)],
        [ASKED, ("system", ANSWER)],
    ],
)
def test_without_a_question_and_an_agent_s_answer_there_is_no_pair(
    lines: list[tuple[Role, str]],
) -> None:
    assert mine_pairs(talk(*lines)) == []


@pytest.mark.parametrize(
    ("resolution", "kind"),
    [("resolved", "ideal"), ("undecided", "ideal"), ("unresolved", "negative")],
)
def test_an_unresolved_conversation_gives_no_ideal(resolution: Any, kind: str) -> None:
    (pair,) = mine_pairs(talk(ASKED, ANSWERED, resolution=resolution))
    assert pair.kind == kind


def test_the_same_version_mines_the_same_id_and_the_next_another() -> None:
    first, again, later = (
        mine_pairs(talk(ASKED, ANSWERED, version=version))[0].example_id for version in (1, 1, 2)
    )
    assert first == again != later


@pytest.mark.parametrize(
    "other", ["how do i reset it", "How  do I\nreset it?!", "Hów do I rését it?"]
)
def test_case_accents_punctuation_and_space_do_not_tell_copies_apart(other: str) -> None:
    assert content_hash("How do I reset it?", "x") == content_hash(other, "x")


def test_other_words_do() -> None:
    hashes = {content_hash("a", "b"), content_hash("b", "a"), content_hash("a b", ""),
              content_hash("ab", ""), content_hash("<CARD>", "b")}  # fmt: skip
    assert len(hashes) == 5


DRAFT = "Please send the router back to us, so that we can have a look at it."


def changed(minutes: float = 1, **changes: Any) -> Edit:
    """An agent's change of a suggestion, so many minutes after noon."""
    plain = Edit(at=NOON + timedelta(minutes=minutes), draft=DRAFT, final=ANSWER, turn_id="t-1")
    return replace(plain, **changes)


def preferences(conversation: Conversation) -> list[Any]:
    return [pair for pair in mine_pairs(conversation) if pair.kind == "preference"]


def test_what_an_agent_made_of_a_draft_is_preferred_to_it() -> None:
    ideal, pair = mine_pairs(talk(ASKED, ANSWERED, edits=[changed()]))
    assert (ideal.kind, ideal.rejected_response, ideal.response) == ("ideal", None, ANSWER)
    assert (pair.kind, pair.negative_kind, pair.authorship) == ("preference", None, "model_edited")
    assert (pair.query, pair.response, pair.rejected_response) == (ASKED[1], ANSWER, DRAFT)
    assert (pair.turn_ids, pair.sent_at) == (["t-0", "t-1"], ideal.sent_at)
    assert (pair.position, ideal.position) == (1, 0)
    assert len({pair.content_hash, ideal.content_hash}) == 2


def test_both_sides_of_a_preference_stand_as_they_were_written() -> None:
    final = f"Hello! I am so sorry to hear that. {ANSWER} Have a great day!"
    talked = talk(ASKED, ("agent", final), edits=[changed(final=final)])
    assert [p.response for p in preferences(talked)] == [final]


def test_a_preference_answers_the_need_that_stood_before_it() -> None:
    other = "You find it on the sticker below the router, beside the bar code."
    lines = (ASKED, ANSWERED, ("customer", "Works now, thanks!"))
    second = ("customer", "One more thing, where is the key?")
    talked = talk(*lines, second, ("agent", other), edits=[changed(turn_id="t-4", final=other)])
    (pair,) = preferences(talked)
    assert (pair.query, pair.turn_ids) == (second[1], ["t-3", "t-4"])
    assert pair.context.startswith(f"customer: {ASKED[1]}\nagent: ")


def test_an_edit_without_its_turn_is_taken_by_its_time() -> None:
    lines = (ASKED, ("agent", "Which router do you have?"), ("customer", "The blue one."))
    (pair,) = preferences(talk(*lines, edits=[changed(2.5, turn_id=None)]))
    assert (pair.query, pair.turn_ids) == (ASKED[1], ["t-0"])
    assert pair.context.endswith("customer: The blue one.")
    assert pair.sent_at == NOON + timedelta(minutes=2.5)


def test_a_model_s_message_that_an_agent_edited_is_a_preference() -> None:
    (pair,) = mine_pairs(talk(ASKED, ("bot", ANSWER), edits=[changed(9)]))
    assert (pair.kind, pair.query, pair.turn_ids) == ("preference", ASKED[1], ["t-0", "t-1"])


def test_a_model_s_message_that_was_deleted_loses_to_the_answer_that_came_instead() -> None:
    gone = changed(0.5, final=None, turn_id=None)
    ideal, pair = mine_pairs(talk(ASKED, ANSWERED, edits=[gone]))
    assert (pair.response, pair.rejected_response) == (ANSWER, DRAFT)
    assert (pair.authorship, pair.turn_ids) == ("human", ideal.turn_ids)
    assert preferences(talk(ASKED, edits=[gone])) == []
    assert preferences(talk(ASKED, ANSWERED, edits=[replace(gone, at=NOON.replace(hour=13))])) == []


@pytest.mark.parametrize(
    ("lines", "edit"),
    [
        ([ANSWERED, ASKED], changed(0, turn_id="t-0")),
        ([("customer", "Hello"), ANSWERED], changed()),
        ([ASKED, ("agent", f"Just read the manual. {ANSWER}")],
         changed(final=f"Just read the manual. {ANSWER}")),
        ([ASKED, ANSWERED, ("customer", "It did not work.")], changed()),
    ],
    ids=["nobody asked yet", "only greeted", "rude", "did not help"],
)  # fmt: skip
def test_an_edit_that_teaches_nothing_is_no_preference(
    lines: list[tuple[Role, str]], edit: Edit
) -> None:
    assert preferences(talk(*lines, edits=[edit])) == []


def test_preferences_over_two_drafts_are_two() -> None:
    edits = [changed(), changed(2, draft="Please buy a new one, it is about time.")]
    first, second = preferences(talk(ASKED, ANSWERED, edits=edits))
    assert first.content_hash != second.content_hash
    assert first.example_id != second.example_id
    again = preferences(talk(ASKED, ANSWERED, edits=edits))
    assert again == [first, second]


def test_a_thumb_is_carried_to_the_example_whose_response_it_is_on() -> None:
    (pair,) = mine_pairs(talk(ASKED, ANSWERED, thumbs={"t-1": "up", "t-0": "down"}))
    assert pair.thumb == "up"
    assert mine_pairs(talk(ASKED, ANSWERED, thumbs={"t-9": "down"}))[0].thumb is None
    edited = talk(ASKED, ANSWERED, edits=[changed()], thumbs={"t-1": "down"})
    assert [p.thumb for p in mine_pairs(edited)] == ["down", "down"]


def test_attributes_stand_beside_the_text() -> None:
    german = ("customer", "Wie setze ich meinen Router zurück?")
    (pair,) = mine_pairs(talk(german, ANSWERED))  # type: ignore[arg-type]
    assert (pair.query_language, pair.language, pair.is_answered) == ("de", "en", True)
    (short,) = mine_pairs(talk(("customer", "router?"), ANSWERED))
    assert (short.query_language, short.language) == (None, "en")
    assert short.relevance == 0.0
    (same,) = mine_pairs(talk(("customer", ANSWER.replace(".", "?")), ANSWERED))
    assert same.relevance == 1.0
    (evaded,) = mine_pairs(talk(ASKED, ("agent", "Your request is important to us.")))
    assert evaded.is_answered is False
    asked_back = changed(final="Which of the two routers is it that you have there?")
    (_, back) = mine_pairs(talk(ASKED, ANSWERED, edits=[asked_back]))
    assert back.is_answered is False
