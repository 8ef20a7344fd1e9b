import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.clean import (
    CLEANERS,
    clean,
    cut_greeting,
    cut_quoted_reply,
    cut_signature,
    drop_fillers,
    fix_encoding,
    normalise_space,
    shadow,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("It works.\n\nOn Mon, Robin Toy wrote:\n> Hello", "It works.\n"),
        ("It works.\n> Hello\n> there", "It works."),
        ("It works.\n\n-----Original Message-----\nFrom: x\nHello", "It works.\n"),
        ("On Mon, Robin Toy wrote:\n> Does it work?\nYes, it does.", "Yes, it does."),
        ("> Does it work?\nYes.\n> Always?\nMostly.", "Yes.\nMostly."),
        ("It works.\nOn Monday, 2 March 2026, Robin Toy\n<robin@example.com> wrote:\n> Hello",
         "It works."),
        ("On second thought, it works.", "On second thought, it works."),
        ("5 > 3 is true", "5 > 3 is true"),
    ],
)  # fmt: skip
def test_quoted_replies_go_and_own_words_stay(before: str, after: str) -> None:
    assert cut_quoted_reply(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("It works.\n-- \nRobin Toy\nAcme", "It works."),
        ("It works.\nSent from my phone of plastic", "It works."),
        ("It works.\nKind regards,\nRobin", "It works."),
        ("It works.\nThanks!", "It works."),
        ("It works.\nThis e-mail is confidential and intended for you.", "It works."),
        ("Thanks", "Thanks"),
        ("Thanks for the parcel, it came.", "Thanks for the parcel, it came."),
    ],
)
def test_signatures_go_and_thanks_alone_stay(before: str, after: str) -> None:
    assert cut_signature(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Dear Robin Toy,\nit works.", "it works."),
        ("Hi there!\nit works.", "it works."),
        ("Hello", "Hello"),
        ("Hello, it works since Monday and I am glad.\nBye", None),
    ],
)
def test_a_salutation_goes_unless_it_is_all_there_is(before: str, after: str | None) -> None:
    assert cut_greeting(before) == (before if after is None else after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("um, my order is is late", "my order is late"),
        ("Uh I mean the the blue one", "the blue one"),
        ("the drum is umber", "the drum is umber"),
        ("I had had enough", "I had enough"),
    ],
)
def test_fillers_go_and_words_that_hold_them_stay(before: str, after: str) -> None:
    assert drop_fillers(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a \t b\u00a0c", "a b c"),
        ("a\r\nb\n\n\n\nc", "a\nb\n\nc"),
        ("zero\u200bwidth \u202eback", "zerowidth back"),
        ("e\u0301", "\u00e9"),
        ("  a  ", "a"),
    ],
)
def test_space_is_normal(before: str, after: str) -> None:
    assert normalise_space(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("schÃ¶n", "schön"),
        ("itâ€™s fine", "it\u2019s fine"),
        ("\u201cquoted\u201d it\u2019s \uff26", "\u201cquoted\u201d it\u2019s \uff26"),
    ],
)
def test_encoding_is_mended_only_where_it_is_broken(before: str, after: str) -> None:
    assert fix_encoding(before) == after


@pytest.mark.parametrize(
    ("text", "shadowed"),
    [("pls help, my acct", "please help, my account"), ("U there", "you there"), ("Fine.", None)],
)
def test_slang_is_written_out_in_the_shadow(text: str, shadowed: str | None) -> None:
    assert shadow(text) == shadowed


def test_training_text_is_never_spell_corrected() -> None:
    for channel in CLEANERS:
        assert clean(channel, "teh pls acct recieve") == "teh pls acct recieve"


def test_a_mail_keeps_what_its_author_wrote() -> None:
    mail = (
        "Dear team,\n\nthe lamp is   broken.\n\nBest regards,\nRobin\n-- \nRobin Toy\n\n"
        "On Mon, 2 Mar 2026 at 10:00, Acme Support wrote:\n> Hello\n> Bye"
    )
    assert clean("email", mail) == "the lamp is broken."


@pytest.mark.parametrize("channel", sorted(CLEANERS))
@given(text=st.text(max_size=200))
def test_a_clean_text_stays_in_order_and_free_of_control_characters(
    channel: str, text: str
) -> None:
    found = clean(channel, text)
    assert found == found.strip()
    assert not any(c in found for c in "\x00\x07\r\u200b\u202e")
    assert "\n\n\n" not in found
