import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.redact import (
    Context,
    Spoken,
    Tagger,
    asked_for,
    bare,
    questions,
    redact_conversation,
    redact_turn,
    tag_scope,
)
from transforms.redact.placeholders import PLACEHOLDER, Numbering

TAGGER = Tagger(b"secret", "chat-1")


def both_passes(*turns: tuple[str, str]) -> tuple[list[str], dict[str, int]]:
    first = [Spoken(role, redact_turn(text, Context(role=role), TAGGER)[0]) for role, text in turns]
    return redact_conversation(first, TAGGER)


@pytest.mark.parametrize(
    ("question", "answer", "masked"),
    [
        ("Can I have the last four of your SSN?", "6980", "<SSN_LAST4_1>"),
        ("Please provide your account number.", "sure, 1234", "sure, <ACCOUNT_1>"),
        ("What is your order number?", "4711", "<ORDER_1>"),
        ("What is your date of birth?", "04/07/1980", "<DOB_1>"),
        ("May I have your name please?", "toyah querty", "<PERSON_1>"),
        ("Can you confirm your zip code?", "99501", "<POSTCODE_1>"),
        ("Where do you live?", "it is 12 toy estate", "it is <ADDRESS_1>"),
        ("Wie lautet bitte Ihre Kundennummer?", "4711", "<ACCOUNT_1>"),
        ("What was the model year?", "2017", "2017"),
        ("How are you?", "6980", "<NUMBER_1>"),
    ],
)
def test_the_question_types_the_answer(question: str, answer: str, masked: str) -> None:
    texts, _ = both_passes(("agent", question), ("customer", answer))
    assert texts[1] == masked


def test_a_question_stands_over_a_remark_and_ends_with_the_next_question() -> None:
    turns = [
        Spoken("agent", "Your SSN please?"),
        Spoken("agent", "Take your time."),
        Spoken("customer", "1"),
        Spoken("agent", "Anything else?"),
        Spoken("customer", "2"),
    ]
    asked = list(questions(turns))
    assert asked[2] == {"SSN"}
    assert asked[4] == frozenset()


def test_one_value_has_one_number_however_it_is_written() -> None:
    texts, _ = both_passes(
        ("customer", "call (555) 555-0123 or 555-555-0199"),
        ("agent", "I call 555.555.0123, not +1 555 555 0199."),
    )
    assert texts == ["call <PHONE_1> or <PHONE_2>", "I call <PHONE_1>, not <PHONE_2>."]


def test_a_spoken_number_is_the_same_as_the_written_one() -> None:
    texts, _ = both_passes(
        ("customer", "my phone is five five five oh one two three four"),
        ("agent", "phone number 5550 1234, right?"),
    )
    assert texts[1] == "phone number <PHONE_1>, right?"


def test_a_person_is_known_by_any_part_of_the_name() -> None:
    texts, counts = both_passes(
        ("agent", "Hello, who is Querty?"),
        ("customer", "my name is Toyah Querty"),
        ("agent", "Thank you, Toyah. Toyah's case is open."),
    )
    assert texts == [
        "Hello, who is <PERSON_1>?",
        "my name is <PERSON_1>",
        "Thank you, <PERSON_1>. <PERSON_1>'s case is open.",
    ]
    assert counts == {"PERSON": 2}


def test_a_thing_that_is_called_like_a_person_keeps_its_name() -> None:
    texts, _ = both_passes(
        ("system", "You are now connected with Wanda."), ("customer", "My Wanda lamp broke, Wanda.")
    )
    assert texts[1] == "My Wanda lamp broke, <PERSON_1>."


def test_ids_of_things_become_slots_and_are_counted_apart() -> None:
    texts, counts = both_passes(
        ("customer", "order 113542617735902 and invoice INV-2026-05488 are wrong"),
        ("agent", "I see 113542617735902. Ticket 48120 is open."),
    )
    assert texts == [
        "order <ORDER_1> and invoice <INVOICE_1> are wrong",
        "I see <ORDER_1>. Ticket <TICKET_1> is open.",
    ]
    assert counts == {"slot:INVOICE": 1, "slot:ORDER": 2, "slot:TICKET": 1}


def test_an_id_is_what_its_first_mention_calls_it() -> None:
    texts, counts = both_passes(
        ("customer", "order 732201349959 is late"),
        ("agent", "Look for the reference number 732201349959."),
    )
    assert texts[1] == "Look for the reference number <ORDER_1>."
    assert counts == {"slot:ORDER": 2}


def test_a_retyped_answer_moves_its_count() -> None:
    _, counts = both_passes(("agent", "last four of your SSN?"), ("customer", "6980"))
    assert counts == {"NUMBER": -1, "SSN_LAST4": 1}


def test_pass_1_leaves_ids_of_things() -> None:
    assert redact_turn("order ORD-250107", Context(), TAGGER) == ("order ORD-250107", {})


def test_tags_link_within_a_conversation_only_and_depend_on_the_secret() -> None:
    here = TAGGER.mask("CARD", "4111 1111 1111 1111")
    assert here == TAGGER.mask("CARD", "4111-1111-1111-1111")
    assert here != Tagger(b"secret", "chat-2").mask("CARD", "4111 1111 1111 1111")
    assert here != Tagger(b"other", "chat-1").mask("CARD", "4111 1111 1111 1111")
    assert not any(c.isdigit() for c in here)


def test_the_mails_of_a_customer_are_tied_together_whatever_thread_they_are_put_in() -> None:
    assert tag_scope("email", "email-1", "s-1") == tag_scope("email", "email-2", "s-1")
    assert tag_scope("chat", "chat-1", "s-1") != tag_scope("chat", "chat-2", "s-1")
    assert tag_scope("call", "call-1.2", None) == tag_scope("call", "call-1", None)


def test_masks_without_tags_are_values_of_their_own() -> None:
    numbering = Numbering()
    assert [numbering.mask("PHONE", None), numbering.mask("PHONE", None)] == [
        "<PHONE_1>",
        "<PHONE_2>",
    ]


def test_what_customers_write_in_brackets_is_no_mask() -> None:
    texts, counts = both_passes(("customer", "<HELLO> <B_1> <PHONE_1> here"))
    assert texts == ["<HELLO> <B_1> <PHONE_1> here"]
    assert counts == {}


def test_bare_masks_have_neither_tag_nor_number() -> None:
    assert bare("<PHONE:abcde> <PERSON:abcde.fghij> <SSN_LAST4_2> <X:abcde>") == (
        "<PHONE> <PERSON> <SSN_LAST4> <X:abcde>"
    )


@pytest.mark.parametrize("text", ["Your order number is on its way.", "I will call you", ""])
def test_a_statement_asks_for_nothing(text: str) -> None:
    assert asked_for(text) == frozenset()


def test_conversations_already_numbered_stay_as_they_are() -> None:
    turns = [Spoken("customer", "my name is Robin Toy, ssn 078-05-1120, order 4711 late")]
    once, _ = redact_conversation(turns, TAGGER)
    again, counts = redact_conversation([Spoken("customer", once[0])], TAGGER)
    assert again == once
    assert counts == {}


@given(
    st.lists(
        st.tuples(st.sampled_from(["agent", "customer", "system"]), st.text(max_size=80)),
        max_size=5,
    )
)
def test_no_conversation_raises_and_no_tag_remains(turns: list[tuple[str, str]]) -> None:
    texts, _ = both_passes(*turns)
    assert len(texts) == len(turns)
    for (_, raw), text in zip(turns, texts, strict=True):
        assert ":" in raw or not any(m["tag"] for m in PLACEHOLDER.finditer(text))
