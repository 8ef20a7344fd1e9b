import re
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel.marks import Cut
from deskwheel.records import Turn
from deskwheel.schema import to_table
from tests.transforms.toys import call, chat, mail, turns
from transforms.clean.author import clean_marked, normalise_space
from transforms.clean.cuts import MOST_TOLD_CHARS, UNKNOWN, restore, split_body, veil
from transforms.redact import bare
from transforms.trim import trim

BODY = (
    "Dear Xiomara,\n\nthe lamp of Robin is broken.\nCall 555 555 0123.\n\nKind regards,\n"
    "Robin Toy\nHead of Kettles, Toytown\n+1 555 555 0199\n\n"
    "On Mon, 2 Mar 2026 at 09:00, Acme Support <help@acme.example> wrote:\n> Hello Robin\n"
)
PIECES = [
    "Hello,", "Hi Robin,", "It broke.", "the lamp\tis  out", "> quoted", "> more", "", "", "  ",
    "Kind regards,", "Robin", "-- ", "Sent from my iPhone", "\u200b", "-----Original Message-----",
    "From: help@acme.example", "Subject: lamp",
    "On Mon, 2 Mar 2026 at 09:00, Acme <help@acme.example> wrote:",
    "This e-mail is confidential and intended only for the addressee.",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(["\n", "\r\n"]))
def test_words_and_cuts_are_the_whole_body(lines: list[str], end: str) -> None:
    body = end.join(lines)
    words, cuts = split_body(body, normalise_space)
    assert normalise_space(restore(words, cuts)) == normalise_space(body)
    assert words == normalise_space(trim(body).text())


@given(st.text(max_size=300))
def test_any_text_can_be_put_back(body: str) -> None:
    words, cuts = split_body(body, normalise_space)
    assert normalise_space(restore(words, cuts)) == normalise_space(body)


def test_a_mail_s_turn_holds_what_was_cut_by_its_place_in_the_redacted_text() -> None:
    (row,) = turns(mail(BODY))
    assert bare(row.text or "") == "the lamp of <PERSON> is broken.\nCall <PHONE>."
    assert [c.kind for c in row.cuts or ()] == ["greeting", "signature", "quote"]
    assert bare(restore(row.text or "", row.cuts or ())) == (
        "Dear <PERSON>,\n\nthe lamp of <PERSON> is broken.\nCall <PHONE>.\n\nKind regards,\n"
        "<PERSON>\n…\n<PHONE>\n\n[quote: 82 characters]"
    )


def test_what_is_cut_holds_nothing_personal() -> None:
    (row,) = turns(mail(BODY))
    kept = repr([asdict(c) for c in row.cuts or ()])
    for value in ("Xiomara", "Robin", "Toy", "Kettles", "0199", "555"):
        assert value not in kept


@given(st.text(max_size=120))
def test_a_veiled_text_holds_words_of_fixed_phrases_only(text: str) -> None:
    assert veil(f"Kind regards,\n{text} Querty-77").startswith("Kind regards,")
    words = re.findall(r"\w+", veil(text))
    assert all(not any(c.isdigit() for c in word) for word in words)


@pytest.mark.parametrize(
    ("text", "veiled"),
    [
        ("Mit freundlichen Grüßen aus Toytown\nJürgen", "Mit freundlichen Grüßen …\n…"),
        ("Hi there,", "Hi there,"),
        ("Liebe Frau Querty,", "Liebe …,"),
        ("-- \n<PERSON:abcde> | <PHONE:abcde>\n12 Toy Road, 94107", "-- \n<PERSON:abcde> | "
         "<PHONE:abcde>\n…"),
        ("Sent from Robin's phone", "…"),
    ],
)  # fmt: skip
def test_only_fixed_phrases_and_masks_of_a_signature_stay(text: str, veiled: str) -> None:
    assert veil(text) == veiled


def test_a_quote_is_known_by_its_size_and_a_long_signature_too() -> None:
    long = "\n".join(["-- ", *(f"line {n} of a long signature" for n in range(100))])
    (row,) = turns(mail(f"It broke.\n{long}\n"))
    (cut,) = row.cuts or ()
    assert (cut.kind, cut.text) == ("signature", None)
    assert cut.size > MOST_TOLD_CHARS


def test_other_channels_have_no_cuts_and_rows_fit_the_table() -> None:
    rows = [*turns(chat()), *turns(call()), *turns(mail(BODY))]
    assert [r.cuts is None for r in rows] == [True, True, True, True, False]
    assert to_table(rows, Turn).num_rows == 5


def test_what_a_mail_left_out_is_noted() -> None:
    (row,) = turns(
        mail("<p>It broke, see https://a.example/x?utm_source=m</p>", Content_Type="text/html")
    )
    assert row.notes == {"html": 1, "link_parameter": 1}
    assert turns(mail())[0].notes is None


def test_the_author_s_name_alone_in_the_last_line_is_a_cut() -> None:
    (row,) = turns(mail("The lamp is broken.\n\nRobin"))
    assert (row.text, [c.kind for c in row.cuts or ()]) == ("The lamp is broken.", ["signature"])


def test_cost_grows_with_the_length_of_a_mail_and_no_faster() -> None:
    body = "It broke.\n> quote\n\n" * 40_000
    assert restore("", [Cut(kind="quote", at=0, size=7, text=None)]) == "[quote: 7 characters]"
    found = clean_marked("email", body)
    assert found.cuts
    assert UNKNOWN not in found.text
