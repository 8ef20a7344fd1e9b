import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.redact import Context, redact
from transforms.redact.shapes import (
    _SECRET,
    _SECRET_BEFORE,
    _SECRET_BESIDE,
    _SECRET_PAIR,
    _SECRET_WORDS,
)
from transforms.redact.view import words_of


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("tel. 020 7946 0958", "tel. <PHONE>"),
        ("+49 (0)30 1234567 ruft an", "<PHONE> ruft an"),
        ("06 12 34 56 78", "<PHONE>"),
        ("fax 0171/1234567", "fax <PHONE>"),
        ("781 1704 office", "<PHONE> office"),
        ("2001:db8::17 was blocked", "<IP> was blocked"),
        ("kim [at] example [dot] com", "<EMAIL>"),
        ("kimtoygmailcom", "<EMAIL>"),
        ("IBAN NL91 ABNA 0417 1643 00 please", "IBAN <IBAN> please"),
        ("iban de89370400440532013000", "iban <IBAN>"),
        ("7187453196 4111 1111 1111 1111", "7187453196 <CARD>"),
        ("I paid with 4111111111111111", "I paid with <CARD>"),
        ("the flat in SW1A 1AA", "the flat in <POSTCODE>"),
    ],
)
def test_forms_of_many_countries_are_found(text: str, masked: str) -> None:
    assert masked in redact(text)[0].replace("<NUMBER>", "7187453196")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 555\u200b-555-\u200b0123", "call <PHONE>"),
        ("card 4111\u2060 1111\u202d 1111 1111 ok", "card <CARD> ok"),
        ("card ４１１１１１１１１１１１１１１１", "card <CARD>"),
        ("ssn 078\u201105\u20111120", "ssn <SSN>"),
        ("ssn ٠٧٨-٠٥-١١٢٠", "ssn <SSN>"),
        ("mail kim\u00ad@example.com", "mail <EMAIL>"),
        ("call 555\u00a0555\u00a00123", "call <PHONE>"),
    ],
)
def test_hidden_and_foreign_characters_do_not_hide_a_number(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


def test_text_around_a_mask_keeps_its_own_characters() -> None:
    assert redact("e\u200bins “ｆｏｕｒ” 078-05-1120 – ok")[0] == "e\u200bins “ｆｏｕｒ” <SSN> – ok"


def test_a_toll_free_number_of_an_agent_is_the_company_s() -> None:
    text = "Call us at 1-800-555-0199."
    assert redact(text, Context(role="agent")) == (text, {})
    assert redact("Call me at 1-800-555-0199.")[1] == {"PHONE": 1}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("I set my password to kim_toy7.", "I set my password to <PASSWORD>."),
        ("pw - kim_toy7", "pw - <PASSWORD>"),
        ("we took kim_toy7 as the password", "we took <PASSWORD> as the password"),
        ("my social's 078051120", "my social's <SSN>"),
        ("the ssn on file would be 078051120", "the ssn on file would be <SSN>"),
    ],
)
def test_words_between_a_cue_and_its_value_do_not_hide_it(text: str, masked: str) -> None:
    assert redact(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "s/n 078-05-1120",
        "change the password to a longer one",
        "product code 078-05-1120",
        "order 555-555-0123",
        "firmware 10.1.2.3",
        "why do we see 999.1.1.1?",
        "order 4111111111111111",
        "serial 4111-1111-11",
        "12:30:45",
        "my password is not accepted",
    ],
)
def test_a_word_beside_it_makes_a_form_something_else(text: str) -> None:
    assert redact(text) == (text, {})


@given(
    st.sampled_from((_SECRET, _SECRET_BESIDE, _SECRET_BEFORE, _SECRET_PAIR)).flatmap(
        lambda pattern: st.from_regex(pattern.pattern, fullmatch=True)
    )
)
def test_whatever_is_said_of_a_secret_holds_a_word_that_is_looked_for_first(said: str) -> None:
    assert not words_of(said).isdisjoint(_SECRET_WORDS)


@pytest.mark.parametrize(
    "said",
    [
        "password:", "pass word is", "passcode:", "pass code:", "passwort:", "kennwort ist",
        "contraseña:", "senha:", "wachtwoord:", "mot de passe:", "pass phrase:", "passphrase:",
        "pwd:", "pw:", "clave:", "pass:",
    ],
)  # fmt: skip
def test_what_is_behind_a_word_for_a_secret_is_one(said: str) -> None:
    assert redact(f"my {said} toy_88") == (f"my {said} <PASSWORD>", {"PASSWORD": 1})
