import pytest

from transforms.acts.customer import customer_act
from transforms.acts.kinds import Act


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
        ("Good evening to you", "none", "greeting"),
        ("hello, is this the repair desk?", "none", "greeting"),
        ("hey, can somebody help me please", "none", "greeting"),
        ("I was able to print it, cheers", "answer", "confirm"),
        ("works like a dream", "answer", "confirm"),
        ("Klasse, gefunden!", "answer", "confirm"),
        ("can i see the list again", "answer", "need"),
        ("the number is 5 if that helps", "answer", "need"),
        ("the lamp won't light", "answer", "complaint"),
        ("thanks for trying, sadly it is dark", "answer", "complaint"),
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


@pytest.mark.parametrize(
    "text",
    [
        "great, still dark",
        "Wonderful job, now even the lamp is dead",
        "oh great. it broke again",
        "perfect timing for it to break again",
        "Brilliant, you lost my parcel",
        "thanks for nothing",
        "It's still blinking",
        "the screen is still frozen",
        "still nothing",
        "Super, immer noch dunkel.",
        "Génial, toujours rien.",
        "Genial, sigue sin encender",
    ],
)
def test_sarcasm_is_a_complaint(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "complaint"


@pytest.mark.parametrize(
    "text",
    [
        "Great, thanks!",
        "Perfect, the error is gone.",
        "great, it's working again",
        "Wonderful, no more errors",
        "great, finally",
        "Perfect. All good, right?",
        "Toll, danke!",
        "Parfait !",
        "Ottimo, grazie",
    ],
)
def test_praise_without_a_fault_confirms(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "confirm"


@pytest.mark.parametrize(
    "text",
    [
        "Thanks! And what does the blue ring mean?",
        "Great, thanks. How long is the warranty?",
        "ok thanks where do i find the serial number",
        "Perfect. My invoice is wrong too, can you check it?",
        "Danke, und wie lange dauert die Lieferung?",
        "Merci ! Et combien coûte la livraison ?",
        "Gracias. ¿Y cuánto cuesta el envío?",
    ],
)
def test_who_thanks_and_asks_the_next_thing_needs_it(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "need"


@pytest.mark.parametrize("text", ["thanks a lot, how kind!", "Thanks so much, what a relief"])
def test_an_exclamation_asks_nothing(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "thanks"


def test_thanks_ahead_of_any_answer_stand_beside_a_need() -> None:
    assert (
        customer_act("Can I book a table for two? Thanks!", before="none", is_first=True) == "need"
    )
    assert customer_act("Thanks!", before="none", is_first=True) == "thanks"


def test_how_long_it_takes_is_a_question_unless_somebody_was_put_off() -> None:
    text = "and how long does the refund take"
    assert customer_act(text, before="answer", is_first=False) == "need"
    assert customer_act(text, before="defer", is_first=False) == "wait"


@pytest.mark.parametrize(
    "text",
    [
        "ah it let me log in and went through", "kettle mended, job done", "no other questions",
        "yippee", "I received the code just now", "you covered everything nicely",
        "That makes sense and I am happy with it.",
    ],
)  # fmt: skip
def test_who_tells_of_success_only_confirms(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "confirm"


@pytest.mark.parametrize(
    "text",
    [
        "I hope it went through", "it was working once", "you said it is repaired",
        "will it be accepted?", "please let me in",
    ],
)  # fmt: skip
def test_success_that_is_wished_for_or_told_by_others_confirms_nothing(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) != "confirm"


@pytest.mark.parametrize(
    "text",
    [
        "the kettle still leaks and it still trips the fuse", "it hangs and crashes",
        "Thanks, I had checked the plug. Same outcome.", "we end up at the beginning",
        "How can this be finished? The lid isn't even closed.",
    ],
)  # fmt: skip
def test_a_fault_that_goes_on_after_an_answer_is_a_complaint(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "complaint"


@pytest.mark.parametrize("text", ["I would rather not", "don't bother", "delete that order"])
def test_who_backs_out_of_an_order_complains(text: str) -> None:
    assert customer_act(text, before="ask", is_first=False) == "complaint"


@pytest.mark.parametrize(
    "text", ["okay hullo", "G'day sir", "hi, i have a small problem", "hey im back again"]
)
def test_an_opening_without_a_matter_greets(text: str) -> None:
    assert customer_act(text, before="none", is_first=True) == "greeting"


@pytest.mark.parametrize(
    "text", ["On a different note, the lid is loose.", "Next question: how do I wash it"]
)
def test_what_is_announced_as_another_matter_is_a_need(text: str) -> None:
    assert customer_act(text, before="answer", is_first=False) == "need"
