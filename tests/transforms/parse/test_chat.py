from typing import Any

import pytest

from tests.transforms.toys import LIMITS, MESSAGE, chat, closing
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
