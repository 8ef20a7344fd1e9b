import re
import time
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.trim.told import cut_text
from transforms.trim import MOST_LINES, trim
from transforms.trim.patterns import LANGUAGES, union
from transforms.trim.phrases import Phrases

MAIL = """Dear team,

the lamp is broken.

Best regards,
Robin

This e-mail is confidential.

On Mon, 2 Mar 2026 at 10:00, Acme Support <support@acme.example> wrote:
> Hello
> Bye"""

PIECES = [
    "Hello,", "it works.", "> quoted", "-- ", "Regards,", "Robin", "", "From: a@example.com",
    "To: b@example.com", "Subject: x", "On 2 Mar 2026, A <a@example.com> wrote:",
    "________________",
    "Sent from my phone", "This e-mail is confidential.", "-----Original Message-----", "\u200b",
]  # fmt: skip

CLOCK_NOISE_S = 0.02
"""Shorter times say nothing on a busy machine."""

HOSTILE = {
    "one line": "a" * 500_000,
    "words": "a " * 250_000,
    "marks": ">" * 500_000,
    "line ends": "\n" * 500_000,
    "colons": ": " * 250_000,
    "labels": "From: a@example.com\nTo: b\n" * 20_000,
    "attributions": "On 1 May 2026 A wrote:\n" * 20_000,
    "openings": "On 1 " * 100_000,
    "glued openings": ("x " + "On 1 " * 70 + "\n") * 4_000,
    "glued dates": ("x " + "On 10:00 " * 40 + ":\n") * 4_000,
    "closings": "Regards,\n" * 50_000,
    "rules": "____________\n" * 40_000,
    "addresses": "a@" * 250_000 + ":",
    "greeting": "Hi " + "a " * 250_000 + "\nb",
    "disclaimers": "This email is " + "x " * 60 + "\n\n",
}


def test_each_cut_says_what_it_is() -> None:
    found = trim(MAIL)
    assert found.text().strip() == "the lamp is broken."
    assert [cut.kind for cut in found.cuts] == ["greeting", "signature", "disclaimer", "quote"]
    assert cut_text(found, "signature") == "Best regards,\nRobin\n"
    assert found.text(keep=("greeting",)).startswith("Dear team,\n")


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=25).map("\n".join))
def test_words_and_cuts_together_are_the_original(text: str) -> None:
    found = trim(text)
    at, rebuilt = 0, []
    for cut in found.cuts:
        assert at <= cut.start < cut.end <= len(text) + 1
        rebuilt += [text[at : cut.start], text[cut.start : cut.end]]
        at = cut.end
    assert "".join([*rebuilt, text[at:]]) == text
    assert found.text(keep=("greeting", "quote", "signature", "disclaimer", "excess")) == text


def test_what_is_below_the_last_line_that_is_read_is_cut_as_excess() -> None:
    found = trim("x\n" * (MOST_LINES + 10))
    assert [cut.kind for cut in found.cuts] == ["excess"]
    assert found.text() == "x\n" * MOST_LINES


@pytest.mark.parametrize("name", HOSTILE)
def test_ten_times_the_text_takes_not_a_hundred_times_as_long(name: str) -> None:
    whole = HOSTILE[name]
    took = []
    for text in (whole[: len(whole) // 10], whole):
        began = time.process_time()
        trim(text)
        took.append(time.process_time() - began)
    assert took[1] < 40 * max(took[0], CLOCK_NOISE_S)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt", "it", "nl"])
def test_a_promised_language_has_phrases_of_every_kind(language: str) -> None:
    phrases = LANGUAGES[language]
    assert all(getattr(phrases, name) for name in vars(type(phrases))["__dataclass_fields__"])


def test_a_union_holds_the_phrases_of_the_languages_asked_for() -> None:
    assert re.fullmatch(union("wrote"), "schrieb")
    assert not re.fullmatch(union("wrote", without=("de",)), "schrieb")
    assert union("wrote", only=("en",)) == "q(?:uoting)|w(?:rites|rote)"


@pytest.mark.parametrize("field", [f.name for f in fields(Phrases)])
def test_a_union_begins_where_the_first_of_its_pieces_does(field: str) -> None:
    pieces = {piece for phrases in LANGUAGES.values() for piece in getattr(phrases, field)}
    apart = [re.compile(piece) for piece in pieces]
    together = re.compile(union(field))
    for text in (MAIL.lower(), *PIECES, *(p for p in pieces if p.replace(" ", "").isalpha())):
        starts = [m.start() for p in apart if (m := p.search(text))]
        found = together.search(text)
        assert (found and found.start()) == min(starts, default=None)
