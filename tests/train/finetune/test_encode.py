from dataclasses import replace
from typing import Any

import pytest

from deskwheel.errors import SnapshotError
from tests.train.rows import chat_rows, quick
from train.finetune.encode import encode, tokenizer_sha256, weight_of
from train.model import encode_pair, load_tokenizer

ROW = chat_rows(1)[0]
WORDY = replace(ROW, context="agent: hello\n" * 50)


def test_what_is_learnt_begins_after_the_prompt_and_ends_with_the_stop_token(
    tokenizer: Any,
) -> None:
    (example,) = encode([ROW], tokenizer, quick()).examples
    ids, prompt = encode_pair(tokenizer, ROW.messages(), ROW.response)
    assert example.ids.tolist() == ids
    assert example.prompt_tokens == prompt
    assert ids[-1] == tokenizer.eos_token_id


def test_a_row_that_is_too_long_loses_its_context_before_it_is_left_out(tokenizer: Any) -> None:
    shortened = encode([WORDY], tokenizer, quick())
    assert shortened.examples[0].ids.tolist() == (
        encode([ROW], tokenizer, quick()).examples[0].ids.tolist()
    )
    assert (shortened.shortened, shortened.too_long) == (1, 0)
    long = replace(ROW, response="switch it off and on " * 40)
    assert encode([ROW, long], tokenizer, quick()).too_long == 1


def test_that_nothing_fits_is_an_error_and_that_nothing_is_there_is_none(tokenizer: Any) -> None:
    with pytest.raises(SnapshotError, match="max_length=20"):
        encode([WORDY], tokenizer, quick(max_length=20))
    assert encode([], tokenizer, quick()).examples == ()


@pytest.mark.parametrize(
    ("is_empathetic", "is_corrected", "weight"),
    [(False, False, 1.0), (True, False, 2.0), (False, True, 3.0), (True, True, 6.0)],
)
def test_weights_multiply(is_empathetic: bool, is_corrected: bool, weight: float) -> None:
    row = replace(ROW, is_empathetic=is_empathetic, is_corrected=is_corrected)
    settings = quick(empathetic_weight=2.0, corrected_weight=3.0)
    assert weight_of(row, settings) == weight


def test_another_template_is_another_tokenizer(tokenizer: Any) -> None:
    other = load_tokenizer(quick())
    assert tokenizer_sha256(other) == tokenizer_sha256(tokenizer)
    other.chat_template = other.chat_template.replace("assistant", "helper")
    assert tokenizer_sha256(other) != tokenizer_sha256(tokenizer)
