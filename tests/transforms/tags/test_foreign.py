import pytest

from transforms.tags.foreign import WORDS, foreign_category

ASKED = {
    "CANCELLATION_FEE": "Wie hoch sind die Stornogeb\u00fchren, wenn ich jetzt absage?",
    "REFUND": "Je n'ai toujours pas re\u00e7u mon remboursement, que se passe-t-il ?",
    "SHIPPING_ADDRESS": "Ik ben verhuisd en wil mijn adres graag laten wijzigen.",
    "INVOICE": "No encuentro la factura de marzo en mi correo.",
    "DELIVERY": "Wann wird das Paket mit meiner Lampe ankommen?",
    "PAYMENT": "Posso pagare la lampada con la carta di credito?",
    "NEWSLETTER": "Ich m\u00f6chte euren Newsletter nicht mehr bekommen.",
    "ACCOUNT": "J'ai oubli\u00e9 mon mot de passe, comment faire ?",
    "CONTACT": "Eu gostaria de falar com algu\u00e9m do atendimento, por favor.",
    "FEEDBACK": "Ik heb een klacht over de nieuwe lamp.",
    "ORDER": "Vorrei annullare quello che ho ordinato ieri sera.",
}


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_category_is_known_by_its_words(name: str) -> None:
    assert foreign_category(ASKED[name]) == name


@pytest.mark.parametrize(
    "text",
    [
        "Can I command the lamp by voice, and is the adapter in the box?",
        "The conto is wrong on my account, please look at it.",
        "Wie geht es Ihnen heute Morgen?",
        "",
    ],
)
def test_english_and_small_talk_are_left_to_the_tagger(text: str) -> None:
    assert foreign_category(text) is None
