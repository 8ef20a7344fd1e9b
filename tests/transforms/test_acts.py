import time

import pytest

from deskwheel.records import Role
from tests.transforms.test_resolution import said
from transforms.acts import find_acts
from transforms.agent_acts import agent_act
from transforms.customer_acts import customer_act


def test_a_moment_s_wait_does_not_end_the_question() -> None:
    lines: list[tuple[Role, str]] = [
        ("customer", "My kettle beeps."),
        ("agent", "Which model is it?"),
        ("agent", "Okay."),
        ("customer", "the small one"),
    ]
    assert list(find_acts(said(*lines))) == ["need", "ask", "backchannel", "reply"]


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
