"""Signatures: what they fold, how well they estimate, and whom they bring together."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate.near import (
    BANDS,
    ESTIMATED_FROM,
    band_keys,
    common_share,
    estimated_jaccard,
    fold_words,
    is_same_question,
    meeting_probability,
    minima,
    read_signature,
    shingles,
    sign,
)

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "su", "te") for b in ("rin", "dol", "pat", "wex")]
QUESTION = "How do I reset my router?"


def signature(*texts: str | None) -> bytes:
    [found] = sign([texts])
    assert found is not None
    return found


def jaccard(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 1234 is late", "order 98 is LATE!"),
        ("Call me on <PHONE_1>.", "call me on <PHONE_2>"),
        ("Mon café préféré", "mon cafe prefere"),
        ("ordered  twice,\nnow", "ordered twice now"),
    ],
)
def test_what_tells_customers_apart_is_folded(one: str, other: str) -> None:
    assert fold_words(one) == fold_words(other)
    assert signature(one, "Yes.") == signature(other, "yes")


def test_masks_of_two_types_are_two_words() -> None:
    assert fold_words("<PHONE_1> <EMAIL>") == ["<PHONE>", "<EMAIL>"]


def test_scripts_without_spaces_have_words() -> None:
    assert len(fold_words("重置路由器")) == 5


@pytest.mark.parametrize("texts", [(None, "a"), ("a", None), ("", "a"), ("a", "!!!")])
def test_no_words_no_signature(texts: tuple[str | None, str | None]) -> None:
    assert sign([texts, (QUESTION, "Hold it.")])[0] is None


def test_signature_is_the_same_in_any_batch_and_for_ever() -> None:
    many = sign([(f"{QUESTION} {n}", w) for n, w in enumerate(WORDS * 60)])
    assert many[7] == signature(f"{QUESTION} 7", WORDS[7])
    found = read_signature(signature(QUESTION, "Hold the button."))
    assert found.minima[:4].tolist() == [19614, 15013, 60607, 14030]
    assert found.query_words == 6


def test_what_was_rejected_belongs_to_a_preference() -> None:
    assert signature(QUESTION, "Hold it.", "No.") != signature(QUESTION, "Hold it.", "Ask them.")


def test_estimate_is_near_the_jaccard_index() -> None:
    chance, errors = random.Random(5), []
    for _ in range(300):
        words = [f"{chance.choice(WORDS)}{chance.choice(WORDS)}" for _ in range(60)]
        other = [w if chance.random() < 0.9 else chance.choice(WORDS) + "x" for w in words]
        left, right = (QUESTION, " ".join(words)), (QUESTION, " ".join(other))
        a, b = minima([signature(*left), signature(*right)])
        errors.append(float(estimated_jaccard(a, b)) - jaccard(left, right))
    assert abs(float(np.mean(errors))) < 0.02
    assert float(np.std(errors)) < 0.06


def test_bands_find_what_the_curve_says() -> None:
    chance, met, wanted = random.Random(6), 0, 0.0
    for _ in range(300):
        words = [f"{chance.choice(WORDS)}{chance.choice(WORDS)}" for _ in range(60)]
        other = [w if chance.random() < 0.85 else chance.choice(WORDS) + "x" for w in words]
        left, right = (QUESTION, " ".join(words)), (QUESTION, " ".join(other))
        keys = band_keys(minima([signature(*left), signature(*right)]), ["s", "s"])
        met += bool(np.any(keys[0] == keys[1]))
        wanted += meeting_probability(jaccard(left, right))
    assert abs(met - wanted) < 30
    assert meeting_probability(0.8) > 0.99


def test_scopes_do_not_meet() -> None:
    same = minima([signature(QUESTION, "Hold it.")] * 2)
    keys = band_keys(same, ["acme", "other"])
    assert not set(keys[0].tolist()) & set(keys[1].tolist())
    assert len(set(keys[0].tolist())) == BANDS


def test_equal_texts_are_estimated_as_equal() -> None:
    a, b = minima([signature(QUESTION, "Hold it."), signature(QUESTION, "hold IT")])
    assert float(estimated_jaccard(a, b)) == 1.0 > ESTIMATED_FROM


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("open a platinum account", "open a platinum account, my number is <ACCOUNT>", True),
        ("How do I reset my router?", "how do i reset my old router", True),
        ("where is my invoice", "cancel the newsletter", False),
        ("I want to track a parcel", "How can I delete my profile?", False),
    ],
)
def test_question_is_told_by_the_words_of_the_shorter(one: str, other: str, is_same: bool) -> None:
    assert is_same_question(signature(one, "Yes."), signature(other, "Yes.")) is is_same


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 100))
def test_common_share_is_exact_for_short_queries_and_near_for_long(
    left: int, right: int, common: int
) -> None:
    common = min(common, left, right)
    texts = [
        " ".join(
            f"both{'ab'[n % 2]}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in range(common)
        )
        + " "
        + " ".join(f"{side}x{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(size - common))
        for side, size in (("l", left), ("r", right))
    ]
    signed = [read_signature(signature(t, "Yes.")) for t in texts]
    sizes = [len(set(fold_words(t))) for t in texts]
    assert [s.query_words for s in signed] == sizes
    exact = len(set(fold_words(texts[0])) & set(fold_words(texts[1]))) / min(sizes)
    found = common_share(*signed)
    if max(sizes) <= 32:
        assert found == exact
    assert 0 <= found <= 1
