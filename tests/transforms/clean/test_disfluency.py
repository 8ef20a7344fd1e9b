import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transforms.clean.disfluency import restore, settle, smooth

WORDS = st.sampled_from(
    "i um the you know mean wan- want order is five five [noise] uh, do Jo- John late.".split()
)


@pytest.mark.parametrize(
    ("said", "left", "kinds"),
    [
        ("um my order is late", "my order is late", ["filler"]),
        ("let me i mean guide you", "let me guide you", ["filler"]),
        ("i wan- i want the lamp", "i want the lamp", ["false_start", "repetition"]),
        ("get this to to go", "get this to go", ["repetition"]),
        ("to the to the store", "to the store", ["repetition"]),
        ("[noise] hello", "hello", ["noise"]),
        ("uh <unk> um", "uh <unk> um", []),
        ("do you know where it is", "do you know where it is", []),
        ("what i mean is the lamp", "what i mean is the lamp", []),
        ("five five five oh one", "five five five oh one", []),
        ("5 5 5 0 1", "5 5 5 0 1", []),
        ("it is late. Late again", "it is late. Late again", []),
        ("ok- your order", "ok- your order", []),
        ("the drum is umber", "the drum is umber", []),
    ],
)
def test_what_is_not_meant_goes_and_digits_stay(said: str, left: str, kinds: list[str]) -> None:
    found, marks = smooth(said)
    assert found == left
    assert [m.kind for m in marks] == kinds
    assert all(0 <= m.at <= len(found) for m in marks)


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("er hat um drei angerufen", "de"),
        ("ich bitte um hilfe, die die es wissen sollen es sagen", "de"),
        ("quero um café e um pão", "pt"),
        ("er was niemand thuis", "nl"),
        ("er det klart nu", "da"),
        ("vous vous trompez et nous nous plaignons", "fr"),
        ("está muy muy lento", "es"),
        ("i had had enough of it", "en"),
        ("i know that that is very very slow, no no, bye bye", "en"),
        ("no no no no wait", "en"),
        ("the ER doctor and the UM campus", "en"),
    ],
)
def test_a_word_of_the_language_stays_and_so_does_what_is_meant_twice(
    said: str, language: str
) -> None:
    assert smooth(said, language) == (said, ())


@pytest.mark.parametrize(
    ("said", "left", "language"),
    [
        ("äh ich will ähm das paket", "ich will das paket", "de"),
        ("euh je veux ehm le colis", "je veux le colis", "fr"),
        ("um the er blue one", "the blue one", "en"),
        ("um the er blue one", "the blue one", None),
        ("UM I WANT THE ER LAMP", "I WANT THE LAMP", "en"),
        ("mhm der der kommt", "der der kommt", "de"),
        ("i had i had it", "i had it", "en"),
    ],
)
def test_what_is_a_filler_in_the_language_goes(said: str, left: str, language: str | None) -> None:
    assert smooth(said, language)[0] == left


@example("want wan- want")
@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_nothing_is_lost_but_punctuation(said: str) -> None:
    found, marks = smooth(said)
    assert restore(found, marks).replace(",", "").lower() == said.replace(",", "").lower()


@pytest.mark.parametrize("said", ["um", "[noise]", "uh, you know"])
def test_a_turn_of_nothing_else_is_said_all_the_same(said: str) -> None:
    assert smooth(said) == (said, ())


def test_marks_stand_in_the_redacted_text_and_tell_nothing_that_it_hides() -> None:
    said = "um my name is is Jo- John Toy and uh the the lamp"
    found, marks = smooth(said)
    assert found == "my name is John Toy and the lamp"
    masked = "my name is <PERSON:abcde.fghij> and the lamp"
    settled = settle(marks, found, masked)
    assert restore(masked, settled) == (
        "um my name is is - <PERSON:abcde.fghij> and uh the the lamp"
    )
    assert not any("Jo" in m.text for m in settled)


def test_marks_inside_a_mask_stand_before_it() -> None:
    found, marks = smooth("call four um one five uh now")
    masked = "call <PHONE:abcde> now"
    assert [m.at for m in settle(marks, found, masked)] == [len("call "), len("call <PHONE:abcde>")]


def test_marks_of_texts_that_do_not_agree_stay_inside() -> None:
    found, marks = smooth("a um b um c")
    assert all(m.at <= 5 for m in settle(marks, found, "<NUMBER>x"))


@pytest.mark.timeout(10)
def test_cost_grows_with_the_length_of_a_text_and_no_faster() -> None:
    said = "um <PHONE:abcde> the the " * 40_000
    found, marks = smooth(said.strip())
    assert len(settle(marks, found, found.replace("the", "thee"))) == len(marks) == 80_000
