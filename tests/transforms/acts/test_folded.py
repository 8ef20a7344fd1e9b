"""Patterns in lower case say what patterns that ignore case say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.acts.folded import any_of, lowered

WORDS = (r"\bthank\w*", r"doesn't work", r"caf[ée]", r"\bstill\b", "[äö]rger", r"\W{2}\S")


@given(st.text(alphabet="THANKthank ſKıİ éÉÄäÖöstilSTIL'wrgeEß.", max_size=40))
def test_a_lower_case_pattern_finds_what_ignoring_case_finds(text: str) -> None:
    ignoring = re.compile("|".join(WORDS), re.IGNORECASE)
    places = [m.span() for m in any_of(*WORDS).finditer(lowered(text))]
    assert places == [m.span() for m in ignoring.finditer(text)]


@given(st.text())
def test_a_lowered_text_keeps_its_places(text: str) -> None:
    assert len(lowered(text)) == len(text)


def test_a_capital_in_a_pattern_is_refused_and_an_escaped_one_is_none() -> None:
    with pytest.raises(ValueError, match="capital letter: Thanks"):
        any_of("Thanks")
    assert any_of(r"\Wa\S").search("! ab")
