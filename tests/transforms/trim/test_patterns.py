import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.trim.patterns import (
    LANGUAGES,
    alternatives,
    opened_alternatives,
    opened_union,
    union,
)
from transforms.trim.phrases import Phrases

FIELDS = [field.name for field in fields(Phrases)]
PIECES = sorted(
    piece
    for phrases in LANGUAGES.values()
    for field in FIELDS
    for piece in getattr(phrases, field)
    # What may begin with anything is tried first by one, in its place by the other.
    if not piece.startswith((".", "^"))
)
PLAIN, OPENED = (re.compile(made(PIECES)) for made in (alternatives, opened_alternatives))


@given(st.sampled_from(PIECES).flatmap(lambda piece: st.from_regex(piece, fullmatch=True)))
def test_opened_alternatives_match_what_alternatives_match(phrase: str) -> None:
    for text in (phrase, f"so {phrase} it", phrase[:-1], phrase[1:]):
        assert [m.span() for m in OPENED.finditer(text)] == [m.span() for m in PLAIN.finditer(text)]


@pytest.mark.parametrize("field", FIELDS)
def test_every_phrase_of_a_field_is_in_its_opened_union(field: str) -> None:
    plain, opened = re.compile(union(field)), re.compile(opened_union(field))
    for word in ("thanks", "mit freundlichen grüßen", "regards", "---", "sent from my", "a", ""):
        assert (opened.match(word) is None) == (plain.match(word) is None)


@pytest.mark.parametrize(
    ("pieces", "text", "found"),
    [
        (["(?:a|ab)c?"], "abc", "a"),
        (["(?:ab|a)c?"], "abc", "abc"),
        (["[bc]d?", "b"], "bd", "bd"),
        (["x?y", "xyz"], "xyz", "xy"),
        (["a?(?:ab|a)"], "aab", "aab"),
        (["(?:a)?(?:ab|a)"], "aab", "aab"),
        (["(?:a)+b", "aac"], "aab", "aab"),
        (["a{2}b"], "aab", "aab"),
        (["(?:(?:u|v) )?w|z"], "v w", "v w"),
        (["[(|]a", "(?:[)]|b)c"], ")c", ")c"),
    ],
)
def test_a_piece_that_begins_with_a_choice_keeps_its_order(
    pieces: list[str], text: str, found: str
) -> None:
    match = re.match(opened_alternatives(pieces), text)
    assert match is not None
    assert match[0] == found
