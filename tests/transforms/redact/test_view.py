from hypothesis import given
from hypothesis import strategies as st

from transforms.redact.view import view, words_of


@given(st.text(max_size=60))
def test_words_are_those_of_a_text_that_is_not_ascii(text: str) -> None:
    assert words_of(text) | {"é"} == words_of(f"{text} é")


@given(st.text(alphabet="aB1_'-. \n", max_size=40))
def test_words_of_ascii_are_its_runs_of_letters(text: str) -> None:
    runs = "".join(c if c.isalpha() else " " for c in text).split()
    assert words_of(text) == frozenset(runs)


def test_a_view_holds_the_words_in_lower_case() -> None:
    seen = view("Isn't that 7a, Zoë?")
    assert seen.words == {"isn", "t", "that", "a", "zoë"}
    assert seen.digits == 1
