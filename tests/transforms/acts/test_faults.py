import time

import pytest

from transforms.acts.faults import reports_fault


@pytest.mark.parametrize(
    "query",
    [
        "The box arrived crushed.",
        "We paid for sea view and look at a wall.",
        "you guys hung up on me",
        "Our house was flooded, what does the insurance cover?",
        "Why is my bill 40 dollars higher than you promised?",
        "i dont know why it wont turn on",
        "Can you help? My kettle doesnt work.",
        "Where do I see my damn invoices?",
        "How can I file a complaint?",
        "Das Paket kam beschädigt an.",
        "Je n'arrive pas à me connecter depuis ce matin.",
        "No me llegó el correo.",
        "A aplicação não funciona.",
        "Aspetto il rimborso da un mese.",
        "De app werkt niet meer.",
    ],
)
def test_what_went_wrong_is_a_fault(query: str) -> None:
    assert reports_fault(query)


@pytest.mark.parametrize(
    "query",
    [
        "How do I reset it?",
        "Does the insurance cover a broken windscreen?",
        "Where is the lost property office?",
        "What happens if I lose my card abroad?",
        "Nothing is wrong, I only want to change my delivery day.",
        "Thanks, the problem is solved. Can you send me a summary?",
        "closing freemium account",
        "My name is Wren Alder.",
        "Please add oat milk to my box.",
        "<ORDER_1>",
        "Ich möchte gerne ein Treffen.",
        "Vorrei aggiungere la colazione.",
        "",
    ],
)
def test_a_question_or_a_wish_is_no_fault(query: str) -> None:
    assert not reports_fault(query)


@pytest.mark.parametrize(
    "query",
    [
        "I have a question about the loyalty card",
        "I was wondering about opening on Sunday",
        "it's about my contract",
        "I'm writing about the lamp from your catalogue",
        "Regarding my booking for May",
        "A quick question about sizes.",
        "Ich habe eine Frage zum Vertrag",
        "Es geht um meine Buchung",
        "J'ai une question sur mon abonnement",
        "Tengo una duda sobre los horarios",
        "Tenho uma dúvida sobre a entrega",
        "Ho una domanda sulla spedizione",
        "Ik heb een vraag over mijn abonnement",
        "Delivery to Norway",
        "Rückgabe nach Spanien",
        "Subject: invoice for March",
        "We moved to Bath last month",
        "I recently got married",
        "I'm a new customer",
        "Ich bin nach Köln umgezogen.",
    ],
)
def test_an_announcement_or_a_heading_is_no_fault(query: str) -> None:
    assert not reports_fault(query)


@pytest.mark.parametrize(
    "query",
    [
        "I have a question about my broken kettle",
        "it's about my contract, it is wrong",
        "Ich habe eine Frage, meine Lampe ist kaputt",
        "J'ai une question : ma lampe est cassée",
        "We moved to Bath and the parcel went to the old flat",
        "Delivery came without a lid",
        "Water in the speaker",
        "Lamp flickers at night",
    ],
)
def test_a_fault_beside_an_announcement_is_one(query: str) -> None:
    assert reports_fault(query)


def test_hostile_texts_take_linear_time() -> None:
    def seconds(size: int) -> float:
        texts = ["what if " * size, "not " * size, "," * size, "lost " * size, "i want to " * size]
        began = time.process_time()
        for text in texts:
            reports_fault(text)
        return time.process_time() - began

    seconds(100)
    assert seconds(4000) < 12 * max(seconds(1000), 0.001)
