import pytest

from transforms.redact import Context, Known, Spoken, Tagger, redact, redact_conversation
from transforms.redact import redact_turn as mask
from transforms.redact.known import as_known

TAGGER = Tagger(b"secret", "mail-1")
KNOWN = Context(known=Known(("Leonhard Querty",), ("15555550123",)))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Leonard is here", "<PERSON> is here"),
        ("leonard querty is here", "<PERSON> is here"),
        ("write to querty leonhart", "write to <PERSON>"),
        ("the leopard querying", "the leopard querying"),
        ("leonards lamp", "leonards lamp"),
    ],
)
def test_a_near_miss_counts_with_a_capital_or_beside_the_rest_of_the_name(
    text: str, masked: str
) -> None:
    assert redact(text, KNOWN)[0] == masked


def test_a_near_miss_is_the_person_whom_the_envelope_names() -> None:
    texts = ["leonard querty here", "Leonhard again", "I am Leonhart", "Dear Querty"]
    turns = [Spoken("customer", mask(text, KNOWN, TAGGER)[0]) for text in texts]
    assert redact_conversation(turns, TAGGER)[0] == [
        "<PERSON_1> here", "<PERSON_1> again", "I am <PERSON_1>", "Dear <PERSON_1>",
    ]  # fmt: skip


def test_another_name_stays_another_person() -> None:
    texts = ["my name is Oksana Toy", "Leonhard"]
    turns = [Spoken("customer", mask(text, KNOWN, TAGGER)[0]) for text in texts]
    assert redact_conversation(turns, TAGGER)[0] == ["my name is <PERSON_1>", "<PERSON_2>"]
    assert as_known("Oksana", ["Leonhard Querty"]) == "Oksana"


@pytest.mark.parametrize("number", ["+1 555 555 0123", "+15555550123", "001 (555) 555-0123"])
def test_a_known_number_is_masked_with_its_plus(number: str) -> None:
    assert redact(f"call {number} now", KNOWN) == ("call <PHONE> now", {"PHONE": 1})


def test_a_longer_number_is_not_the_known_one() -> None:
    assert redact("order 9155555501234", KNOWN)[0] == "order 9155555501234"
