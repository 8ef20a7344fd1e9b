from dataclasses import replace
from typing import Any

import pytest

from deskwheel.records import Conversation, Redaction, Role
from tests.transforms.test_resolution import ANSWER, ANSWERED, ASKED, NOON, said
from transforms.pairs import content_hash, has_needless_apology, mine_pairs

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


def test_all_that_was_asked_before_the_answer_is_the_query() -> None:
    lines = (ASKED, ("agent", "Which router do you have?"), ("customer", "The blue one."))
    (pair,) = mine_pairs(talk(*lines, ANSWERED))
    assert pair.query == f"{ASKED[1]}\nThe blue one."
    assert pair.context == "agent: Which router do you have?"


def test_after_a_failed_attempt_the_last_answer_counts() -> None:
    second = "Then please hold it for thirty seconds, until the light turns green."
    lines = (ASKED, ANSWERED, ("customer", "It did not work."), ("agent", second))
    (pair,) = mine_pairs(talk(*lines, ("customer", "That worked.")))
    assert pair.response == second


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
    ("resolution", "count"), [("resolved", 1), ("undecided", 1), ("unresolved", 0)]
)
def test_an_unresolved_conversation_teaches_nothing(resolution: Any, count: int) -> None:
    assert len(mine_pairs(talk(ASKED, ANSWERED, resolution=resolution))) == count


def test_the_same_version_mines_the_same_id_and_the_next_another() -> None:
    first, again, later = (
        mine_pairs(talk(ASKED, ANSWERED, version=version))[0].example_id for version in (1, 1, 2)
    )
    assert first == again != later


@pytest.mark.parametrize(
    ("query", "response", "is_needless"),
    [
        ("How do I reset it?", "Sorry, hold the button.", True),
        ("It arrived broken.", "We are sorry, a new one is on its way.", False),
        ("How do I reset it?", "Hold the button.", False),
        ("You charged me twice.", "Apologies, it is refunded.", False),
    ],
)
def test_an_apology_without_a_fault_is_needless(
    query: str, response: str, is_needless: bool
) -> None:
    assert has_needless_apology(query, response) is is_needless


@pytest.mark.parametrize(
    "other", ["how do i reset it", "How  do I\nreset it?!", "Hów do I rését it?"]
)
def test_case_accents_punctuation_and_space_do_not_tell_copies_apart(other: str) -> None:
    assert content_hash("How do I reset it?", "x") == content_hash(other, "x")


def test_other_words_do() -> None:
    hashes = {content_hash("a", "b"), content_hash("b", "a"), content_hash("a b", ""),
              content_hash("ab", ""), content_hash("<CARD>", "b")}  # fmt: skip
    assert len(hashes) == 5
