import time

import pytest

from transforms.acts.agent import agent_act
from transforms.acts.kinds import Act


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
        ("Double-check that the colour is right and I'll pack it.", "ask"),
        ("okay have a look whether this is correct please", "ask"),
        ("Lamp, did you mean lantern.", "ask"),
        ("I can only sell lamps here.", "refuse"),
        ("We do not make blue ones, sorry.", "refuse"),
        ("You can collect your lamp at the desk.", "complete"),
        ("Thank you for your note. Every report is read with care by us.", "defer"),
        ("I'd be happy to help you with the lid: turn it to the left.", "answer"),
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
    "text",
    [
        "Switch the oven off for one minute, then press Start.",
        "Wait one moment and the ring turns blue.",
        "Leave it unplugged for a couple of minutes.",
        "Take a moment to compare both plans on the page.",
        "Your code arrives by text in a few minutes.",
        "The app helps you in checking your balance at home.",
    ],
)
def test_a_step_that_takes_a_moment_puts_nobody_off(text: str) -> None:
    assert agent_act(text) != "hold"


@pytest.mark.parametrize(
    "text",
    [
        "One second, please.",
        "Could you wait a moment while I open your file",
        "Hang on for a minute, please.",
        "Give me a couple of minutes.",
        "I'll be right back.",
        "Looking into it now",
        "Einen kleinen Moment bitte",
    ],
)
def test_who_asks_for_patience_holds(text: str) -> None:
    assert agent_act(text) in ("hold", "ask")


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("We do not take cheques, but you can pay by card at the till.", "answer"),
        ("Unfortunately the green one is sold out, but the grey one is back on Monday.", "answer"),
        ("You cannot change it by phone; however, the app lets you do so under Profile.", "answer"),
        ("If you can't find the button, scroll down to the end of the page.", "answer"),
        ("We don't sell lids, but I can offer you a cup.", "refuse"),
        ("I cannot answer that, but I can help you with a booking.", "refuse"),
        ("We don't have that size, but would you like the next one?", "refuse"),
        ("Unfortunately not, but sorry about that and thank you.", "refuse"),
        (
            "Unfortunately that is not possible, but the other one is not available either.",
            "refuse",
        ),
    ],
)
def test_who_shows_another_way_does_not_refuse(text: str, act: Act) -> None:
    assert agent_act(text) == act


@pytest.mark.parametrize(
    ("text", "is_handed_over"),
    [
        ("I can transfer the points to your new card.", False),
        ("The money is transferred to your bank within three days.", False),
        ("You will be redirected to the payment page.", False),
        ("I am transferring you to a colleague.", True),
        ("Let me transfer your call to the parcels team.", True),
        ("I'm redirecting this to our technical department.", True),
        ("Transferring to sales now.", True),
        ("I have escalated your complaint.", True),
    ],
)
def test_people_and_talks_are_handed_over_and_money_is_not(text: str, is_handed_over: bool) -> None:
    assert (agent_act(text) == "hand_over") is is_handed_over


@pytest.mark.parametrize(
    "text",
    [
        "Please check that your booking is right before I send it off to the hotel.",
        "If I have the address right, I'll send it today.",
        "I need to confirm with you before placing the order.",
    ],
)
def test_what_waits_for_a_word_of_the_customer_is_a_question(text: str) -> None:
    assert agent_act(text) == "ask"


def test_many_short_words_of_assent_take_linear_time() -> None:
    started = time.process_time()
    agent_act("yes ok " * 28 + "x")
    agent_act("before a " * 20 + "x")
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Our mechanics have been informed.", "hand_over"),
        ("I have asked our kettle specialists to look at it.", "hand_over"),
        ("She will phone you on Monday.", "hand_over"),
        ("Stay with me while I read the notes.", "hold"),
        ("Give me 2 minutes.", "hold"),
        ("We'll have the kettle for you shortly.", "complete"),
        ("It won't take too long.", "complete"),
    ],
)
def test_who_acts_next_and_when(text: str, act: str) -> None:
    assert agent_act(text) == act


@pytest.mark.parametrize("text", ["I'll be with you shortly.", "We will get back to you soon."])
def test_a_promise_of_a_word_completes_nothing(text: str) -> None:
    assert agent_act(text) != "complete"
