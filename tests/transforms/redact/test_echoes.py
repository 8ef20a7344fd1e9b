"""Values and names that are said again in another form, after their first mention was masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.redaction_texts import hostile_text
from transforms.redact import Context, Spoken, Tagger, redact_conversation, redact_turn

TAGGER = Tagger(b"secret", "chat-7")


def both_passes(*texts: str) -> list[str]:
    """The texts of agent and customer in turn, after both passes."""
    roles = ["agent", "customer"] * len(texts)
    first = [
        Spoken(role, redact_turn(text, Context(role=role), TAGGER)[0])
        for role, text in zip(roles, texts, strict=False)
    ]
    return redact_conversation(first, TAGGER)[0]


@pytest.mark.parametrize(
    ("question", "answer", "echo", "masked"),
    [
        ("Your account number?", "5520917", "I unlocked 5520917, try again.",
         "I unlocked <ACCOUNT_1>, try again."),
        ("The last four of your SSN?", "7714", "Thank you, 7714 matches.",
         "Thank you, <SSN_LAST4_1> matches."),
        ("Could you tell me your PIN?", "8362", "So 8362 fails?", "So <PASSWORD_1> fails?"),
        ("Your zip code please?", "60647", "To 60647, then.", "To <POSTCODE_1>, then."),
        ("And your date of birth?", "09/03/1974", "09/03/1974 it is.", "<DOB_1> it is."),
        ("Your member number please?", "KX-771204", "771204 is active again",
         "<ACCOUNT_1> is active again"),
        ("What number can I call?", "my phone is (555) 555-0144", "5555550144 or 1-555-555-0144?",
         "<PHONE_1> or <PHONE_1>?"),
        ("Wie lautet Ihre Kundennummer?", "8830271", "Danke, die 8830271 ist wieder frei.",
         "Danke, die <ACCOUNT_1> ist wieder frei."),
        ("Quel est votre numéro de client ?", "8830271", "Merci, 8830271 est débloqué.",
         "Merci, <ACCOUNT_1> est débloqué."),
        ("¿Cuál es su número de cuenta?", "8830271", "La 8830271 ya funciona.",
         "La <ACCOUNT_1> ya funciona."),
        ("Your account number?", "5520917", "five five two oh nine one seven, right?",
         "<ACCOUNT_1>, right?"),
        ("What is the CVV?", "381", "With 381 it works.", "With <CARD_1> it works."),
        ("Your username?", "toyfan_77", "TOYFAN_77 is free again.", "<USERNAME_1> is free again."),
        ("The password that failed?", "gl0bus!x", "Yes, gl0bus!x is too short.",
         "Yes, <PASSWORD_1> is too short."),
        ("Both your account and your SSN?", "account 5520917, ssn 7714", "I have 7714 5520917.",
         "I have <SSN_LAST4_1> <ACCOUNT_1>."),
    ],
)  # fmt: skip
def test_an_agent_s_echo_has_the_mask_of_the_answer(
    question: str, answer: str, echo: str, masked: str
) -> None:
    assert both_passes(question, answer, echo)[2] == masked


@pytest.mark.parametrize(
    "text",
    [
        "It costs 7714 dollars.",
        "That is $7714.",
        "You get 7714 points.",
        "The price is 7714.",
        "Model 7714 is sold out.",
        "Room 77140 is free.",
        "Call us at 77:14.",
    ],
)
def test_the_same_digits_as_a_sum_or_a_part_of_a_number_stay(text: str) -> None:
    assert both_passes("The last four of your SSN?", "7714", text)[2] == text


def test_a_year_is_no_echo_of_an_answer() -> None:
    texts = both_passes("Your account number?", "1987", "In 1987, yes. So 1987 is your number.")
    assert texts[2] == "In 1987, yes. So <ACCOUNT_1> is your number."


@pytest.mark.parametrize(
    ("answer", "echo", "masked"),
    [
        ("bartholomew querty", "hello bartholomew", "hello <PERSON_1>"),
        ("Bartholomew Querty", "ok bartholomew, mr querty", "ok <PERSON_1>, <PERSON_1>"),
        ("my name is oksana toy", "bye oksana", "bye <PERSON_1>"),
        ("my name is Mark Toy", "thanks mark, I mark it", "thanks <PERSON_1>, I mark it"),
        ("my name is Rose Toy", "the rose bed", "the rose bed"),
        ("my name is Toyah Baker", "a baker and Baker", "a baker and <PERSON_1>"),
    ],
)
def test_a_name_is_found_in_lower_case_unless_it_is_a_word(
    answer: str, echo: str, masked: str
) -> None:
    assert both_passes("Who am I speaking with?", answer, echo)[2] == masked


def test_given_name_and_surname_are_one_person_whichever_comes_first() -> None:
    texts = both_passes(
        "Is it Kim Lee's order?", "kim lee here, my name is kim lee", "Hi Lee, the order of Kim?"
    )
    assert texts[0] == "Is it <PERSON_1>'s order?"
    assert texts[2] == "Hi <PERSON_1>, the order of <PERSON_1>?"


def test_parts_of_a_name_are_one_person_before_the_whole_name_is_said() -> None:
    texts = both_passes("Is Lee there? Or Kim?", "my name is kim lee")
    assert texts == ["Is <PERSON_1> there? Or <PERSON_1>?", "my name is <PERSON_1>"]


def test_two_people_of_one_surname_are_told_apart_by_their_given_names() -> None:
    texts = both_passes(
        "Whose order?", "my name is Oksana Querty", "And?", "my name is Zbyszko Toy", "Toy, Querty"
    )
    assert texts[4] == "<PERSON_2>, <PERSON_1>"


@pytest.mark.parametrize(
    ("texts", "masked"),
    [
        (("Hi", "order 66194", "is that 66194?", "yes 66194"), "yes <ORDER_1>"),
        (("Your order number?", "ok 66194", "66194 ships today."), "<ORDER_1> ships today."),
        (("Your order number?", "id 661947", "661947 ships today."), "<ORDER_1> ships today."),
        (("Ihre Bestellnummer?", "66194", "Die 66194 kommt heute."), "Die <ORDER_1> kommt heute."),
        (("Which invoice?", "invoice 66194", "Thanks", "ok 66194"), "ok <INVOICE_1>"),
    ],
)
def test_a_confirmed_id_keeps_its_slot(texts: tuple[str, ...], masked: str) -> None:
    assert both_passes(*texts)[-1] == masked


def test_a_suspected_postcode_takes_the_type_that_was_asked_for() -> None:
    assert both_passes("Your order number?", "tx 66194")[1] == "tx <ORDER_1>"
    assert both_passes("Your zip code?", "tx 66194")[1] == "tx <POSTCODE_1>"
    assert both_passes("Your order number?", "zip 66194")[1] == "zip <POSTCODE_1>"


def test_counts_follow_the_echoes() -> None:
    turns = [
        Spoken("agent", "Your account number?"),
        Spoken("customer", redact_turn("5520917", Context(), TAGGER)[0]),
        Spoken("agent", "5520917 is open."),
    ]
    assert redact_conversation(turns, TAGGER)[1] == {"ACCOUNT": 2, "NUMBER": -1}


@pytest.mark.parametrize(
    "piece", ["1 ", "1", "a1", "a.", "one ", "robin ", "1/", "x@", "1-a", "Aa "]
)
@pytest.mark.timeout(20)
def test_hostile_echoes_are_read_in_time(piece: str) -> None:
    turns = ["Your account number?", "5520917", "Your password?", "gl0bus!x", "Hi", "I am Robin"]
    both_passes(*turns, hostile_text(piece, 40_000))


@given(st.lists(st.text(max_size=40), max_size=4), st.integers(1_000_000, 9_999_999))
def test_no_account_number_outlives_its_conversation(others: list[str], number: int) -> None:
    texts = both_passes("Your account number?", f"account {number}", *others, f"ok {number}, done")
    assert all(str(number) not in text for text in texts if text not in others)
