"""What counts as contamination, and what is only the company's usual answer."""

import random
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.validate.frozen import words
from validate.near import NEAR_JACCARD, SAME_QUESTION_FROM, fold_words, shingles
from validate.snapshots.contamination import (
    COPIED_SHARE,
    NGRAM,
    SHORTEST_NGRAM,
    Passage,
    find_overlaps,
)
from validate.snapshots.grams import encode, gram_sets

QUERY = "How do I send back the lamp that I bought on 3 March, order <ORDER_1>?"
ANSWER = (
    "Print the label under Orders in the app, put the lamp with all parts into its box, and drop it"
    " at any post office within 30 days. We refund 35 dollars to {{Payment Method}} three days"
    " after the parcel arrives at our warehouse."
)


def passage(name: str, query: str, response: str) -> Passage:
    return Passage(example_id=name, query=query, response=response)


HELD_OUT = passage("held", QUERY, ANSWER)
OTHERS = [passage(f"o{i}", words(f"q{i}", 12), words(f"a{i}", 40)) for i in range(5)]


def found(*train: Passage) -> list[tuple[str, str]]:
    return [(o.train_id, o.how) for o in find_overlaps([*OTHERS, *train], [HELD_OUT])]


def test_other_texts_are_clean() -> None:
    assert found() == []
    assert find_overlaps([], [HELD_OUT]) == find_overlaps([HELD_OUT], []) == []


def test_copy_with_other_numbers_case_accents_and_masks_is_near() -> None:
    query = QUERY.replace("3 March", "17 March").replace("<ORDER_1>", "<ORDER_9>").upper()
    answer = ANSWER.replace("35", "1249").replace("{{Payment Method}}", "{{Card}}")
    answer = answer.replace("warehouse", "wárehouse")
    assert found(passage("t", query, answer)) == [("t", "near")]


def test_copy_inside_a_longer_text_is_copied() -> None:
    longer = f"{words('hello', 30)} {ANSWER} {words('bye', 40)}"
    assert found(passage("t", f"{words('so', 10)} {QUERY}", longer)) == [("t", "copied")]


def test_usual_answer_to_another_question_is_clean() -> None:
    asked = passage("t", "Can I get my money for a lamp that does not fit my desk?", ANSWER)
    assert found(asked) == []


def test_same_question_with_another_answer_is_clean() -> None:
    assert found(passage("t", QUERY, words("other", 40))) == []


def test_question_and_answer_copied_by_two_examples_are_clean() -> None:
    apart = [passage("t", QUERY, words("x", 40)), passage("u", words("y", 12), ANSWER)]
    assert found(*apart) == []


def test_usual_answer_however_long_is_clean_where_the_question_is_another() -> None:
    long = " ".join([ANSWER, words("more", 150)])
    asked = passage("t", "Can I get my money for a lamp that does not fit?", long)
    assert find_overlaps([asked], [passage("h", QUERY, long)]) == []


def test_very_short_question_counts_as_a_whole() -> None:
    held_out = passage("held", "Where is order 7?", ANSWER)
    same = passage("t", "where is order 12", f"{words('a', 60)} {ANSWER}")
    more = passage("u", "where is order 12 of May", f"{words('b', 60)} {ANSWER}")
    assert [o.train_id for o in find_overlaps([same, more], [held_out])] == ["t"]


def test_worst_pair_comes_first_and_each_pair_once() -> None:
    near = passage("n", QUERY, ANSWER.replace("three days", "two weeks"))
    overlaps = find_overlaps([near, passage("e", QUERY, ANSWER)], [HELD_OUT])
    assert [o.train_id for o in overlaps] == ["e", "n"]
    assert overlaps[0].share == 1.0 > overlaps[1].share >= NEAR_JACCARD


@pytest.mark.parametrize("text", ["", "!?", "🙂🙂"])
def test_texts_without_words_are_no_match_for_each_other(text: str) -> None:
    train, held_out = passage("t", text, ANSWER), passage("h", words("h", 9), text)
    assert find_overlaps([train], [held_out]) == []


def test_scripts_without_spaces_are_cut_into_characters() -> None:
    assert len(fold_words("注文はどこ 42")) == 6
    query, answer = (
        "注文した商品がまだ届きません",
        "配送状況はアプリの注文画面で確認できます。三日お待ちください。",
    )
    held_out, train = (
        passage("h", query, answer),
        passage("t", query, answer + "ありがとうございます。"),
    )
    assert len(find_overlaps([train], [held_out])) == 1


ALPHABET = st.sampled_from(list("abcdef"))
TEXT = st.lists(ALPHABET, min_size=1, max_size=30).map(" ".join)
PASSAGES = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)


@hypothesis.settings(max_examples=40)
@given(train=PASSAGES, held_out=PASSAGES, seed=st.integers(0, 9))
def test_nothing_that_comparing_every_pair_finds_is_missed(
    train: list[tuple[str, str]], held_out: list[tuple[str, str]], seed: int
) -> None:
    """Against an oracle of plain sets; half of the held-out texts come from the training ones."""
    rng = random.Random(seed)
    held_out = [rng.choice(train) if rng.random() < 0.5 else pair for pair in held_out]
    sides = [
        [passage(f"{side}{i}", *pair) for i, pair in enumerate(pairs)]
        for side, pairs in (("t", train), ("h", held_out))
    ]
    expected = {
        (t.example_id, h.example_id) for t in sides[0] for h in sides[1] if is_overlap(t, h)
    }
    assert {(o.train_id, o.held_out_id) for o in find_overlaps(*sides)} == expected


def is_overlap(train: Passage, held_out: Passage) -> bool:
    copied = min(
        covered(getattr(held_out, f).split(), getattr(train, f).split())
        for f in ("query", "response")
    )
    both = [shingles([p.query, p.response]) for p in (train, held_out)]
    queries = [set(p.query.split()) for p in (train, held_out)]
    shared = len(queries[0] & queries[1]) / min(map(len, queries))
    is_near = jaccard(*both) >= NEAR_JACCARD and shared >= SAME_QUESTION_FROM
    return copied >= COPIED_SHARE or is_near


def jaccard(ours: set[Any], theirs: set[Any]) -> float:
    return len(ours & theirs) / len(ours | theirs)


def covered(ours: list[str], theirs: list[str]) -> float:
    if len(ours) < SHORTEST_NGRAM:
        return float(ours == theirs)
    size = min(len(ours), NGRAM)
    wanted = plain_grams(ours, size)
    return len(wanted & plain_grams(theirs, size)) / len(wanted)


def plain_grams(tokens: list[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(tokens[i : i + size]) for i in range(max(1, len(tokens) - size + 1))}


def test_gram_sets_hold_each_gram_once_and_in_the_texts_order() -> None:
    texts = [["a", "b", "a", "b", "a"], [], ["a"], ["a", "b"]]
    sets = gram_sets(encode(texts, least=2), 2)
    assert [len(sets.of(i)) for i in range(len(sets))] == [2, 0, 1, 1]
    assert sets.of(3)[0] in sets.of(0)
    assert sets.of(2)[0] not in sets.of(0)
    assert [len(gram_sets(encode(texts, least=2), 3).of(i)) for i in range(4)] == [2, 0, 0, 0]
    asked = gram_sets(encode([["b", "a"]], least=2), 2)
    assert [len(gram_sets(encode(texts, least=2), 2, among=asked).of(i)) for i in range(4)] == [
        1, 0, 0, 0,
    ]  # fmt: skip
