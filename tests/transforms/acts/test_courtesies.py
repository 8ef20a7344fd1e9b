import pytest

from transforms.acts.courtesies import is_courtesy


@pytest.mark.parametrize(
    "said",
    [
        "thank you for your note. we appreciate your loyalty to our shop.",
        "every report is read with great care by us.",
        "one of our colleagues will look at your note in due course.",
        "vielen dank f\u00fcr ihre nachricht, wir melden uns.",
        "merci de votre message, nous y r\u00e9pondrons.",
    ],
)
def test_a_turn_of_courtesies_says_nothing(said: str) -> None:
    assert is_courtesy(said)


@pytest.mark.parametrize(
    "said",
    [
        "thank you for your note. the filter sits behind the front plate.",
        "thank you for your order, it leaves us on the 5th.",
        "we appreciate your loyalty. click on the wheel for the menu.",
        "thanks!",
        "your invoice has been changed, thank you for your patience.",
    ],
)
def test_one_sentence_of_substance_makes_it_an_answer(said: str) -> None:
    assert not is_courtesy(said)
