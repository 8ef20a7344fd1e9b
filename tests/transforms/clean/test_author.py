import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.clean.author import CLEANERS, clean, fix_encoding, normalise_space, shadow


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("um, my order is is late", "my order is late"),
        ("Uh I mean the the blue one", "the blue one"),
        ("the drum is umber", "the drum is umber"),
        ("I had had enough", "I had had enough"),
    ],
)
def test_fillers_go_and_words_that_hold_them_stay(before: str, after: str) -> None:
    assert clean("call", before) == after


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


@pytest.mark.parametrize(
    "text",
    [
        "im Laden",
        "Ich bin im Laden und warte",
        "C'est le colis dont je parle depuis hier",
        "dont je parle",
        "Ik heb u gisteren al gebeld over het pakket",
        "no puedo pagar, pls ayuda con mi pedido",
        "die Adress-Änderung geht nicht, im Konto",
        "Ty kan jag inte betala fakturan",
    ],
)
def test_words_of_other_languages_are_no_slang(text: str) -> None:
    assert shadow(text) is None


@pytest.mark.parametrize(
    ("text", "shadowed"),
    [
        ("im locked out of my account", "I'm locked out of my account"),
        ("I dont know where it is", "I don't know where it is"),
        ("my adress is wrong", "my address is wrong"),
    ],
)
def test_a_text_that_is_english_is_mended_wholly(text: str, shadowed: str) -> None:
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


def test_a_mail_s_last_line_loses_the_name_that_the_envelope_states() -> None:
    assert clean("email", "The lamp is broken.\n\nRobin", names=("Robin Toy",)) == (
        "The lamp is broken."
    )
    assert clean("chat", "Robin", names=("Robin Toy",)) == "Robin"


def test_broken_letters_in_a_closing_do_not_keep_it() -> None:
    assert clean("email", "Es geht.\n\nMit freundlichen GrÃ¼Ã\x9fen\nRobin") == "Es geht."


@pytest.mark.parametrize("channel", sorted(CLEANERS))
@given(text=st.text(max_size=200))
def test_a_clean_text_stays_in_order_and_free_of_control_characters(
    channel: str, text: str
) -> None:
    found = clean(channel, text)
    assert found == found.strip()
    assert not any(c in found for c in "\x00\x07\r\u200b\u202e")
    assert "\n\n\n" not in found
