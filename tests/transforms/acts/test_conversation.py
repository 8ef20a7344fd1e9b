import time

import pytest

from deskwheel.records import Role
from tests.transforms.resolution.test_estimate import said
from transforms.acts.agent import agent_act
from transforms.acts.conversation import find_acts
from transforms.acts.customer import customer_act


def test_a_moment_s_wait_does_not_end_the_question() -> None:
    lines: list[tuple[Role, str]] = [
        ("customer", "My kettle beeps."),
        ("agent", "Which model is it?"),
        ("agent", "Okay."),
        ("customer", "the small one"),
    ]
    assert list(find_acts(said(*lines))) == ["need", "ask", "backchannel", "reply"]


@pytest.mark.parametrize(
    "opening", ["What is it about today?", "Tell me what is on your mind.", "What brings you here?"]
)
def test_before_any_need_a_short_turn_of_an_agent_only_asks_for_it(opening: str) -> None:
    lines: list[tuple[Role, str]] = [
        ("customer", "good day, anyone there?"),
        ("agent", opening),
        ("customer", "the kettle beeps"),
    ]
    assert list(find_acts(said(*lines))) == ["greeting", "greeting", "need"]


def test_who_somebody_is_may_be_asked_before_the_need() -> None:
    lines: list[tuple[Role, str]] = [
        ("agent", "Which name is the contract under?"),
        ("customer", "Robin Toy"),
        ("customer", "The kettle that I bought from you in spring beeps all night."),
    ]
    assert list(find_acts(said(*lines))) == ["ask", "reply", "need"]


def test_a_denial_after_the_customer_was_content_is_another_matter() -> None:
    answer: tuple[Role, str] = ("agent", "Hold the button for ten seconds until it blinks.")
    denial: tuple[Role, str] = ("customer", "the lid does not close")
    asked: tuple[Role, str] = ("customer", "The kettle beeps.")
    assert find_acts(said(asked, answer, denial))[-1] == "complaint"
    content = said(asked, answer, ("customer", "That helped, thanks."), denial)
    assert find_acts(content)[-1] != "confirm"


def test_bots_and_the_system_do_nothing() -> None:
    acts = find_acts(said(("bot", "How can I help?"), ("system", "Robin joined.")))
    assert list(acts) == ["none", "none"]


@pytest.mark.parametrize(
    "text", ["i mean " * 200_000, "so " * 300_000, "thank you for " * 80_000, "a" * 1_000_000]
)
def test_hostile_text_costs_no_more_than_plain_text(text: str) -> None:
    plain = "The parcel left the warehouse today. " * (len(text) // 37)
    started = time.process_time()
    agent_act(plain)
    customer_act(plain, before="answer", is_first=False)
    usual_s = time.process_time() - started
    started = time.process_time()
    agent_act(text)
    customer_act(text, before="answer", is_first=False)
    assert time.process_time() - started < 20 * usual_s + 1.0
