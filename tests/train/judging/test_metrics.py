import math

import pytest
from rouge_score.rouge_scorer import RougeScorer

from train.judging.metrics import has_needless_apology, perplexity, rouge_l, token_f1, words

ASCII_PAIRS = [
    ("the cat sat on the mat", "the cat lay on the mat"),
    ("Hold the button for 10 seconds.", "for 10 seconds hold the button"),
    ("a b c d e f", "f e d c b a"),
    ("one", "one one one"),
    ("Print the label, pack all parts.", "We are so sorry."),
    ("x y", "x y"),
]


def test_words_keep_letters_of_any_script() -> None:
    assert words("Größe: 3 км, ΑΒΓ!") == ["grösse", "3", "км", "αβγ"]


def test_rouge_l_of_a_hand_computed_pair() -> None:
    # Common subsequence "police the gunman": 3 of 4 words either way.
    assert rouge_l("police killed the gunman", "police kill the gunman") == pytest.approx(0.75)


def test_rouge_l_respects_order_and_token_f1_does_not() -> None:
    assert rouge_l("a b c", "c b a") == pytest.approx(1 / 3)
    assert token_f1("a b c", "c b a") == 1.0


@pytest.mark.parametrize(("reference", "answer"), ASCII_PAIRS)
def test_rouge_l_equals_the_reference_implementation_on_ascii(reference: str, answer: str) -> None:
    oracle = RougeScorer(["rougeL"]).score(reference, answer)["rougeL"].fmeasure
    assert rouge_l(reference, answer) == pytest.approx(oracle)


def test_rouge_l_counts_non_ascii_words() -> None:
    assert rouge_l("перезагрузите роутер", "перезагрузите лампу") == pytest.approx(0.5)


@pytest.mark.parametrize("metric", [rouge_l, token_f1])
def test_an_empty_answer_scores_nothing(metric: object) -> None:
    assert callable(metric)
    assert metric("some words", "") == 0.0
    assert metric("", "") == 0.0


def test_token_f1_counts_a_repeated_word_once_per_repetition() -> None:
    # Overlap 1 of 1 wanted and 3 said: precision 1/3, recall 1.
    assert token_f1("one", "one one one") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("Press reset.", "I am so sorry. Press reset.", True),
        ("Press reset.", "We APOLOGIZE for that.", True),
        ("Sorry, we broke it.", "Sorry for that.", False),
        ("Press reset.", "Press reset.", False),
        ("Press reset.", "The sorrysome lamp.", False),
    ],
)
def test_an_apology_is_needless_when_the_agent_made_none(
    reference: str, answer: str, expected: bool
) -> None:
    assert has_needless_apology(reference, answer) is expected


def test_perplexity_weighs_tokens_and_not_answers() -> None:
    # Four tokens at probability 1/2 and one certain token: exp(4 ln 2 / 5).
    assert perplexity([4 * math.log(2), 0.0], [4, 1]) == pytest.approx(2 ** (4 / 5))


def test_perplexity_of_nothing_is_not_a_number() -> None:
    assert math.isnan(perplexity([], []))


def test_perplexity_of_a_broken_model_is_infinite() -> None:
    assert perplexity([1e6], [1]) == math.inf
