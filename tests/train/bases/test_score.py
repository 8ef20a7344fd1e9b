import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.train.bases.toys import save_base
from tests.train.rows import chat_rows, quick
from train.bases.score import (
    answer_nlls,
    answer_scores,
    bits_per_byte,
    byte_length,
    fitting_shots,
    shot_messages,
)
from train.model import answer_nll, load_base, load_tokenizer

ROWS = chat_rows(6)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    folder = save_base(tmp_path_factory.mktemp("toy"))
    settings = quick(base_model=str(folder))
    return load_tokenizer(settings), load_base(settings)


def test_bits_per_byte_is_nats_over_ln_2_over_bytes() -> None:
    # "Grüße" has five letters and seven bytes; with "ok" nine. 6.2 + 0.1 nats.
    assert bits_per_byte([6.2, 0.1], ["Grüße", "ok"]) == pytest.approx(6.3 / math.log(2) / 9)


def test_a_model_that_knows_nothing_of_bytes_needs_eight_bits() -> None:
    text = "lamp"
    assert bits_per_byte([4 * math.log(256)], [text]) == pytest.approx(8.0)


@given(st.text(min_size=1, max_size=60), st.integers(1, 7), st.integers(1, 7))
def test_bits_per_byte_do_not_depend_on_where_a_tokenizer_cuts(
    text: str, one: int, two: int
) -> None:
    """A model that gives each byte its own probability, whatever tokens the bytes come in."""
    raw = text.encode()

    def nll(width: int) -> float:
        tokens = [raw[start : start + width] for start in range(0, len(raw), width)]
        return sum(sum(math.log(2 + byte) for byte in token) for token in tokens)

    assert bits_per_byte([nll(one)], [text]) == pytest.approx(bits_per_byte([nll(two)], [text]))


def test_likelihoods_come_in_the_rows_order_and_as_each_alone(toy: tuple[Any, Any]) -> None:
    tokenizer, model = toy
    rows = [*chat_rows(12)[8:], *ROWS]
    together = answer_nlls(tokenizer, model, rows)
    alone = [answer_nll(tokenizer, model, [(r.messages(), r.response)])[0][0] for r in rows]
    assert together == pytest.approx(alone, rel=1e-4)


def test_shots_are_earlier_turns_and_change_the_likelihood(toy: tuple[Any, Any]) -> None:
    tokenizer, model = toy
    roles = [m["role"] for m in shot_messages(ROWS[:2])]
    assert roles == ["user", "assistant", "user", "assistant"]
    bare = answer_nlls(tokenizer, model, ROWS[4:])
    assert answer_nlls(tokenizer, model, ROWS[4:], shots=ROWS[:1]) != pytest.approx(bare)


def test_as_many_shots_are_kept_as_the_context_holds(toy: tuple[Any, Any]) -> None:
    tokenizer, _ = toy
    kept = [
        len(fitting_shots(tokenizer, ROWS[4:], ROWS[:3], limit=limit)) for limit in (10, 120, 1000)
    ]
    assert kept[0] == 0
    assert kept == sorted(kept)
    assert kept[-1] == 3


def test_answers_are_scored_against_what_the_agent_said(toy: tuple[Any, Any]) -> None:
    tokenizer, model = toy
    scores = answer_scores(tokenizer, model, ROWS, shots=ROWS[:1], max_new_tokens=4)
    assert set(scores) == {"rouge_l", "token_f1"}
    assert all(0 <= value <= 1 for value in scores.values())


def test_a_lone_surrogate_has_a_length(tmp_path: Path) -> None:
    assert byte_length("\ud800") == 3
