import pytest

from tests.transforms.test_resolution import said
from transforms.tags import CATEGORY_NAMES, OTHER, category, sentiment


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I want a refund, can I send it back?", "RETURNS"),
        ("My lamp is broken, is that under warranty?", "WARRANTY"),
        ("Where is my parcel? The tracking says nothing.", "DELIVERY"),
        ("The invoice has a wrong charge", "BILLING"),
        ("How do I install the firmware?", "SETUP"),
        ("I cannot log in to my account", "ACCOUNT"),
        ("Please cancel my subscription", "PLAN"),
        ("I would like to order a pizza", "ORDER"),
        ("Let me speak to a human", "CONTACT"),
        ("I want to leave a review", "FEEDBACK"),
        ("Blue.", OTHER),
    ],
)
def test_the_customer_s_words_decide_the_category(text: str, name: str) -> None:
    assert category(said(("customer", text))) == name


def test_every_category_has_been_decided() -> None:
    marker = test_the_customer_s_words_decide_the_category.pytestmark[0]  # type: ignore[attr-defined]
    assert {row[1] for row in marker.args[1]} == set(CATEGORY_NAMES)


def test_the_agent_s_words_decide_nothing() -> None:
    assert category(said(("customer", "Hm."), ("agent", "A refund? A refund!"))) == OTHER


@pytest.mark.parametrize(
    ("texts", "mood"),
    [
        (["Thank you, great."], "positive"),
        (["This is ridiculous."], "negative"),
        (["Thank you, but this is useless."], "negative"),
        (["My lamp is blue."], "neutral"),
        ([], "neutral"),
        (["awful", "a", "b", "thanks"], "positive"),
    ],
)
def test_the_last_words_set_the_mood(texts: list[str], mood: str) -> None:
    assert sentiment(said(*[("customer", t) for t in texts])) == mood
