import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.pieces import MAX_CHARS
from transforms.pairs.relevance import relevance


@pytest.mark.parametrize(
    ("query", "response", "value"),
    [
        ("Where is my parcel?", "The parcel arrives tomorrow.", 4 / 7),
        ("How do I do it?", "Hold the button.", 0.0),
        ("support", "Which port?", 1 / 5),
        ("Wo ist die Bestellung?", "Bestellungen kommen am Montag.", 1.0),
        ("Is <ORDER_1> late?", "<ORDER_1> left.", 4 / 6),
        ("I am <PERSON_1>.", "Hello <PERSON_1>!", 0.0),
    ],
)  # fmt: skip
def test_relevance_is_the_share_of_the_shorter_text_that_the_other_takes_up(
    query: str, response: str, value: float
) -> None:
    assert relevance(query, response) == pytest.approx(value, abs=1e-4)


def test_an_answer_to_the_question_is_nearer_than_one_to_another() -> None:
    asked = "How can I change the delivery address of my order?"
    right = "Open your order, choose the address and change it until the delivery has left."
    other = "Your refund was paid back to the card that you had used."
    assert relevance(asked, right) > 2 * relevance(asked, other)


@given(st.text(max_size=200), st.text(max_size=200))
def test_relevance_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    found = relevance(one, other)
    assert 0 <= found <= 1
    assert found == relevance(other, one)
    assert relevance(one, one) in (0, 1)


def test_a_text_without_end_is_read_up_to_a_limit() -> None:
    assert relevance("lamp " * MAX_CHARS + "parcel", "parcel") == 0.0
