import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.pairs.needs import bare_need


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Hello! Hope you are well. My name is <PERSON_1> and my order <ORDER_1> never came. Can"
         " you help?", "My order <ORDER_1> never came. Can you help?"),
        ("Hi there, this is <PERSON_1> from Leeds. I want to return a lamp. My account number is"
         " <ACCOUNT_1>. Thanks in advance!", "I want to return a lamp."),
        ("Hi, I'm <PERSON_1>, how do I dim it?", "How do I dim it?"),
        ("Dear support team,\nMy phone is <PHONE_1>. The lamp is dark.\nKind regards\n<PERSON_1>",
         "The lamp is dark."),
        ("How are you? The lamp is dark.", "The lamp is dark."),
        ("hi my name is <PERSON_1> i would like to book a table", "I would like to book a table"),
        ("Guten Tag, mein Name ist <PERSON_1> und meine Lampe ist kaputt. Kundennummer:"
         " <ACCOUNT_1>. Vielen Dank im Voraus!", "Meine Lampe ist kaputt."),
        ("Bonjour, je m'appelle <PERSON_1>. Ma commande <ORDER_1> n'est pas là. Merci d'avance",
         "Ma commande <ORDER_1> n'est pas là."),
        ("Hola, soy <PERSON_1>. ¿Cómo devuelvo la lámpara? Gracias", "¿Cómo devuelvo la lámpara?"),
        ("Ciao, sono <PERSON_1>, come cambio la password?", "Come cambio la password?"),
        ("Olá, meu nome é <PERSON_1>. Onde está o pedido <ORDER_1>?",
         "Onde está o pedido <ORDER_1>?"),
        ("Hoi, ik ben <PERSON_1>. Waar is mijn lamp?", "Waar is mijn lamp?"),
    ],
)  # fmt: skip
def test_courtesy_and_identification_leave_the_need(text: str, bare: str) -> None:
    assert bare_need(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "How do I dim it?",
        "Hello, where is <ORDER_1>?",
        "My new address is <ADDRESS_1>. Please change it.",
        "Order <ORDER_1>. It never came.",
        "Please refund <CARD_1>.",
        "Is <PERSON_1> still working with you?",
        "This is <PERSON_1>'s lamp and it is dark.",
        "I am <PERSON_1>'s wife and need a copy of the bill",
        "I hope you can help me with my lamp.",
        "My name is <PERSON_1>.",
        "Good morning",
        "Thanks!",
        "",
    ],
)
def test_what_is_about_the_need_stays(text: str) -> None:
    assert bare_need(text) == text


def test_what_the_answer_takes_up_stays() -> None:
    text = "My phone is <PHONE_1>. Please call me about the lamp."
    assert bare_need(text, "I will call <PHONE_1> at noon.") == text
    assert bare_need(text, "I will call you at noon.") == "Please call me about the lamp."


@given(st.text(max_size=80))
def test_nothing_is_added(text: str) -> None:
    bare = bare_need(text)
    assert len(bare) <= len(text)
    assert bare == text or bare[1:] in text


@pytest.mark.parametrize("text", ["hi hello ", "my name is <PERSON_1>, ", "my number is is ", " "])
def test_hostile_texts_take_linear_time(text: str) -> None:
    started = time.process_time()
    bare_need(text * (3_900 // len(text)))
    bare_need(text * (1_000_000 // len(text)))
    assert time.process_time() - started < 1.0
