import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.disfluency import restore, settle, smooth

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
