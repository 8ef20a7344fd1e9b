import time

import pytest

from transforms.acts.rudeness import is_rude


@pytest.mark.parametrize(
    "answer",
    [
        "You can just use the settings page.",
        "I know it is hard to wait. It left our warehouse this morning.",
        "I understand that is difficult, so I have refunded it.",
        "As I said, the refund takes five days.",
        "How many times have you restarted it?",
        "Setting it up is not difficult: open the app and follow the steps.",
        "Please read the FAQ on returns, it lists every country.",
        "Just look at the bottom of the invoice.",
        "Just open the app and read the instructions on the first page.",
        "Our team will deal with it tomorrow.",
        "The message should go away after the update.",
        "Every child under twelve travels free.",
        "We made a stupid mistake, and your refund is on its way.",
        "We are here to help people like you.",
        "It is not that hard to find, it hangs behind the counter.",
        "That was not our fault but the carrier's, still we refund you.",
        "Honestly, the blue one is the better choice.",
        "If that is your problem, press reset.",
        "What is wrong with your router? Tell me what you see.",
        "Parcels rarely get lost; yours is in Leeds.",
        "Please pay attention to the arrow: it is not difficult.",
        "For the last time slot, choose 18:00.",
        "I already told the driver that you are at home.",
        "Do calm the baby first, then press the lid.",
        "Lesen Sie bitte die Anleitung auf Seite drei.",
        "Ihr Problem ist gelöst.",
        "Vous pouvez simplement utiliser la page des réglages.",
        "Solo mire la parte inferior de la factura.",
        "",
    ],
)
def test_a_helpful_answer_is_not_rude(answer: str) -> None:
    assert not is_rude(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "That's not my problem.",
        "Honestly, customers like you complain all the time. Press the button.",
        "This is not even hard, just read the label. Press the button.",
        "Just read the manual.",
        "How many times do I have to tell you? Press the button.",
        "Are you even reading what I write?",
        "It's not rocket science, press the button.",
        "Did you even look at the invoice?",
        "I don’t have all day. Press reset.",
        "Calm down, just use the form.",
        "Even a child could do this.",
        "Stop wasting my time.",
        "As I already said, five days. That is common sense.",
        "You should have read the terms. As I told you, there is no refund.",
        "Figure it out yourself.",
        "What a dumb question. It is under Settings.",
        "Whatever.",
        "Das ist nicht mein Problem.",
        "Ce n'est pas mon problème.",
        "No es mi problema.",
        "Não é problema meu.",
        "Non è un mio problema.",
        "Niet mijn probleem.",
    ],
)
def test_scorn_and_insults_are_rude(answer: str) -> None:
    assert is_rude(answer)


def test_curt_words_and_scorn_far_apart_are_not_rude() -> None:
    between = "Open the app. Choose your lamp. Press the round button until it blinks twice. "
    assert is_rude("Honestly, just click the link.")
    assert not is_rude(f"Honestly, I like it too. {between}Just click the link.")


@pytest.mark.parametrize("text", ["just use ", "people like you just ", "not really ", "no. "])
def test_hostile_texts_take_linear_time(text: str) -> None:
    started = time.process_time()
    is_rude(text * (1_000_000 // len(text)))
    assert time.process_time() - started < 2.0
