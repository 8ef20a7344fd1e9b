import time

import pytest

from deskwheel.records import Role
from tests.transforms.test_resolution import said
from transforms.acts import Act, agent_act, customer_act, find_acts


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Hello there!", "greeting"),
        ("Thanks for calling Toy Bank, how may I help you today?", "greeting"),
        ("thank you for calling how can i um help you", "greeting"),
        ("You are speaking with Robin.", "greeting"),
        ("Just a moment while I check that.", "hold"),
        ("let me uh let me look at your account", "hold"),
        ("Which router do you have?", "ask"),
        ("what is the serial number on the back", "ask"),
        ("Please confirm your postcode.", "ask"),
        ("Once you confirm, I'll place it.", "ask"),
        ("If that looks right I'll get it started.", "ask"),
        ("I am transferring you to billing.", "hand_over"),
        ("Our specialists team will call you tomorrow.", "hand_over"),
        ("I have raised a ticket with the network team.", "hand_over"),
        ("Your request is important to us.", "defer"),
        ("We will get back to you.", "defer"),
        ("I'm sorry, we don't sell spare lids.", "refuse"),
        ("unfortunately that colour is sold out", "refuse"),
        ("i cant help you with that", "refuse"),
        ("Your refund has been processed.", "complete"),
        ("Done, I've cancelled the second booking.", "complete"),
        ("your parcel will be there shortly", "complete"),
        ("Is there anything else I can do for you?", "offer_more"),
        ("You're welcome, have a lovely evening!", "closing"),
        ("Gern geschehen, schönen Tag noch!", "closing"),
        ("Okay.", "backchannel"),
        ("mm hmm", "backchannel"),
        ("Hold the button for ten seconds until the light turns amber.", "answer"),
        ("1. Open the app.\n2. Choose Devices.\n3. Press Remove.", "answer"),
    ],
)
def test_act_of_an_agent(text: str, act: Act) -> None:
    assert agent_act(text) == act


def test_a_long_answer_that_ends_politely_is_an_answer() -> None:
    steps = "Open the app, choose your device and press the round button until it blinks. " * 4
    assert agent_act(f"{steps} Is there anything else?") == "answer"


def test_a_long_turn_that_also_asks_for_patience_has_said_something() -> None:
    text = (
        "Yes, we ship to the islands twice a week by boat, on Mondays and on Thursdays."
        " Give me a moment to look up the price."
    )
    assert agent_act(text) == "answer"


@pytest.mark.parametrize(
    ("text", "before", "act"),
    [
        ("hiya", "greeting", "greeting"),
        ("My kettle beeps all night.", "greeting", "need"),
        ("How do I pair it?", "none", "need"),
        ("the blue one", "ask", "reply"),
        ("Yes, that's right.", "ask", "reply"),
        ("That did it, cheers.", "answer", "confirm"),
        ("ok it works now thx", "answer", "confirm"),
        ("Perfekt, funktioniert.", "answer", "confirm"),
        ("Merci, ça marche.", "answer", "confirm"),
        ("Thank you.", "answer", "thanks"),
        ("De acuerdo, muchas gracias.", "answer", "thanks"),
        ("It still beeps, still the same.", "answer", "complaint"),
        ("thats not what i asked", "answer", "complaint"),
        ("Never mind, forget it.", "ask", "complaint"),
        ("Thanks, but it didn't help.", "answer", "complaint"),
        ("ok", "hand_over", "wait"),
        ("When will they call?", "hand_over", "wait"),
        ("One more thing: can I use tap water?", "answer", "need"),
        ("bye bye", "closing", "closing"),
        ("mm hmm", "answer", "backchannel"),
    ],
)
def test_act_of_a_customer(text: str, before: Act, act: Act) -> None:
    assert customer_act(text, before=before, is_first=False) == act


def test_what_works_before_any_agent_spoke_is_no_confirmation() -> None:
    assert customer_act("Your shop is great", before="none", is_first=True) == "need"


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
