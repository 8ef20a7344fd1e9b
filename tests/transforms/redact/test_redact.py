import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.redaction_texts import HOSTILE, hostile_text
from transforms.redact import Context, Known, merge_counts, redact
from transforms.redact.engine import MAX_CHARS


@pytest.mark.parametrize(
    ("text", "masked", "kind"),
    [
        ("mail robin.toy+x@mail.example.com now", "mail <EMAIL> now", "EMAIL"),
        ("card 4111 1111 1111 1111.", "card <CARD>.", "CARD"),
        ("card 4111-1111-1111-1111", "card <CARD>", "CARD"),
        ("card 378282246310005 ok", "card <CARD> ok", "CARD"),
        ("iban GB82 WEST 1234 5698 7654 32", "iban <IBAN>", "IBAN"),
        ("iban DE89370400440532013000", "iban <IBAN>", "IBAN"),
        ("ssn 078-05-1120", "ssn <SSN>", "SSN"),
        ("call (555) 555-0123", "call <PHONE>", "PHONE"),
        ("call 555-555-0123 or", "call <PHONE> or", "PHONE"),
        ("call +1 555 555 0123", "call <PHONE>", "PHONE"),
        ("call +44 20 7946 0958 now", "call <PHONE> now", "PHONE"),
        ("from 192.0.2.17 today", "from <IP> today", "IP"),
        ("my password is hunter22, ok", "my password is <PASSWORD>, ok", "PASSWORD"),
        ("I was born on 4/7/1980", "I was born on <DOB>", "DOB"),
        ("date of birth: July 4, 1980", "date of birth: <DOB>", "DOB"),
        ("at 12 Toy Lane, Springfield", "at <ADDRESS>", "ADDRESS"),
        ("My name is Robin Toy.", "My name is <PERSON>.", "PERSON"),
    ],
)
def test_personal_data_is_masked_with_its_type(text: str, masked: str, kind: str) -> None:
    assert redact(text) == (masked, {kind: 1})


@pytest.mark.parametrize(
    "text",
    [
        "order 4111 1111 1111 1112 is late",
        "order ORD-20260302-0017 is late",
        "order #84120057 is late",
        "tracking 1Z999AA10123456784",
        "invoice INV2026/0317, 3 items",
        "model XR-500-2200-11",
        "version 1.2.3.4.5",
        "build 300.4.1.999",
        "since 2026-03-02 12:30:45",
        "it costs 1,299.00 or 12-15 dollars",
        "part GB82 WEST 1234 5698 7654 33",
        "serial 123456789012",
        "I forgot my password, is it lost?",
        "I am Very happy",
        "5 Stars for the Road",
    ],
)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert redact(text) == (text, {})


def test_only_addresses_of_the_company_s_very_domain_stay() -> None:
    text = "help@acme.example, x@notacme.example, y@acme.example.com, z@acme.example"
    masked, counts = redact(text, Context(company_domains=("acme.example",)))
    assert masked == "help@acme.example, <EMAIL>, <EMAIL>, z@acme.example"
    assert counts == {"EMAIL": 2}


def test_known_names_are_masked_wherever_they_stand() -> None:
    masked, counts = redact("Robin Toy, or Toy, Robin, or just Toy; toys are fine",
                            Context(known=Known(("Robin Toy",))))  # fmt: skip
    assert masked == "<PERSON>, or <PERSON>, or just <PERSON>; toys are fine"
    assert counts == {"PERSON": 3}


@pytest.mark.parametrize("name", ["", "Al", "X Æ", ".*", "42"])
def test_a_name_too_short_to_tell_masks_nothing(name: str) -> None:
    assert redact("Al sold all of 42 altos", Context(known=Known((name,))))[1] == {}


def test_what_is_masked_is_not_masked_again() -> None:
    once, counts = redact("mail robin@example.com, card 4111111111111111")
    assert redact(once) == (once, {})
    assert counts == {"EMAIL": 1, "CARD": 1}


def test_counts_are_summed_by_type_in_alphabetical_order() -> None:
    merged = merge_counts([{"SSN": 1}, {"CARD": 2, "SSN": 1}, {}])
    assert list(merged.items()) == [("CARD", 2), ("SSN", 2)]


@given(st.text(max_size=300), st.lists(st.text(max_size=10), max_size=2))
def test_no_text_raises_and_every_mask_is_counted(text: str, names: list[str]) -> None:
    text = text.replace("<", "")
    masked, counts = redact(text, Context(known=Known(tuple(names))))
    assert sum(counts.values()) == masked.count("<")


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_text_is_read_in_time(piece: str) -> None:
    redact(hostile_text(piece, 40_000))


def test_a_number_at_the_seam_of_two_pieces_is_found_whole() -> None:
    text = "a " * (MAX_CHARS // 2 - 3) + "ssn 078-05-1120"
    assert redact(text)[0].endswith("a ssn <SSN>")
