from typing import Any

import pytest

from tests.transforms.toys import LIMITS, MESSAGE, chat, closing, turns
from transforms.parse import parse_event
from transforms.parse.model import ParsedEvent, RawEvent


def parsed(event: RawEvent) -> ParsedEvent:
    found = parse_event(event, LIMITS)
    assert isinstance(found, ParsedEvent), found
    return found


def test_a_message_is_one_utterance() -> None:
    found = parsed(chat())
    (said,) = found.utterances
    assert (found.event_id, found.conversation_id, found.customer_id) == ("m-1", "ch-1", "c-1")
    assert (said.role, said.text, said.sent_at.hour) == ("customer", MESSAGE["text"], 11)
    assert found.closing is None


@pytest.mark.parametrize(
    ("sender", "authorship"),
    [("customer", "human"), ("agent", "human"), ("bot", "model"), ("system", "human")],
)
def test_the_author_follows_from_the_sender(sender: str, authorship: str) -> None:
    (said,) = parsed(chat(sender=sender, agent_id="a-1")).utterances
    assert (said.role, said.authorship, said.agent_id) == (sender, authorship, "a-1")


def test_a_closing_states_how_it_ended_and_says_nothing() -> None:
    found = parsed(closing())
    assert found.utterances == ()
    assert found.closing is not None
    assert (found.event_id, found.closing.status, found.closing.csat) == ("x-1", "solved", 5)


def test_a_closing_may_state_nothing() -> None:
    found = parsed(closing(resolution=None, csat=None))
    assert found.closing is not None
    assert (found.closing.status, found.closing.csat) == (None, None)


@pytest.mark.parametrize("more", [{"meta": {"client": "web"}}, {"colour": "blue"}])
def test_fields_of_later_versions_are_no_trouble(more: dict[str, Any]) -> None:
    assert parsed(chat(**more)).utterances == parsed(chat()).utterances


def test_a_chat_without_customer_is_a_chat() -> None:
    assert parsed(chat(customer_id=None)).customer_id is None


@pytest.mark.parametrize(
    ("sender", "role"),
    [("user", "customer"), ("visitor", "customer"), ("operator", "agent"), ("assistant", "bot")],
)
def test_roles_have_many_names(sender: str, role: str) -> None:
    (said,) = parsed(chat(sender=sender)).utterances
    assert said.role == role


def test_an_edit_names_the_message_it_takes_the_place_of() -> None:
    (said,) = parsed(chat(type="message.edited", message_id="m-2", edits="m-1")).utterances
    assert (said.replaces, said.text) == ("m-1", MESSAGE["text"])
    (before,), (edit,) = turns(chat()), turns(chat(type="message.edited", edits="m-1",
                                                   message_id="m-2"))  # fmt: skip
    assert edit.replaces_turn_id == before.turn_id != edit.turn_id
    assert before.replaces_turn_id is None


def test_a_deletion_is_a_row_without_words() -> None:
    event = chat(type="message.deleted", message_id="m-2", edits="m-1", text=..., sender=...)
    (row,) = turns(event)
    assert (row.verdict, row.text, row.role) == ("accepted", None, "system")
    assert row.replaces_turn_id == turns(chat())[0].turn_id


def test_an_edit_of_which_nothing_is_left_is_a_deletion() -> None:
    (row,) = turns(chat(type="message.edited", message_id="m-2", edits="m-1", text="\u200b"))
    assert (row.verdict, row.text) == ("accepted", None)


@pytest.mark.parametrize("kind", [["message.edited"], {"a": 1}, 7, None, "message"])
def test_any_other_type_is_a_message(kind: Any) -> None:
    (said,) = parsed(chat(type=kind)).utterances
    assert (said.role, said.replaces) == ("customer", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "participant.joined", "text": "Kim has joined."},
        {"text": "[image: lamp.png]"},
        {"text": "<Media omitted>"},
        {"text": " (voice message, 0:12) "},
    ],
)
def test_what_is_not_said_by_anybody_is_the_system_s(changes: dict[str, Any]) -> None:
    (said,) = parsed(chat(**changes)).utterances
    assert said.role == "system"


def test_an_attachment_with_words_is_a_message() -> None:
    (said,) = parsed(chat(attachments=[{"name": "lamp.png"}])).utterances
    assert (said.role, said.text) == ("customer", MESSAGE["text"])
    (about,) = parsed(chat(text="[image] is broken")).utterances
    assert about.role == "customer"
