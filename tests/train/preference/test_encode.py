from typing import Any

from tests.train.preference.rows import BAD, GOOD, judged, pairs
from train.preference.encode import encode_judged, encode_pairs, paired_rows, unpaired_rows


def test_a_pair_shares_its_prompt_and_ends_with_the_stop_token(tokenizer: Any) -> None:
    (row,) = paired_rows(encode_pairs(pairs([7]), tokenizer, max_length=96))
    assert row["chosen_ids"][-1] == row["rejected_ids"][-1] == tokenizer.eos_token_id
    chosen = tokenizer.decode(row["chosen_ids"], skip_special_tokens=True)
    rejected = tokenizer.decode(row["rejected_ids"], skip_special_tokens=True)
    assert (chosen.strip(), rejected.strip()) == (GOOD, BAD.format(7))
    assert "How do I reset lamp 7?" in tokenizer.decode(row["prompt_ids"])


def test_what_does_not_fit_is_left_out(tokenizer: Any) -> None:
    assert encode_pairs(pairs([7]), tokenizer, max_length=16) == []
    assert encode_judged(judged([7], is_wanted=True), tokenizer, max_length=16) == []


def test_the_other_answer_is_one_of_the_same_batch(tokenizer: Any) -> None:
    encoded = encode_judged(judged(range(9), is_wanted=False), tokenizer, max_length=96)
    rows = unpaired_rows(encoded, seed=1, at_once=4)
    assert len(rows) == len(encoded)
    for start in (0, 4):
        batch = rows[start : start + 4]
        own = [row["completion_ids"] for row in batch]
        assert [row["KL_completion_ids"] for row in batch] == [own[-1], *own[:-1]]
    assert rows[8]["KL_completion_ids"] == rows[7]["completion_ids"]


def test_the_seed_fixes_the_order(tokenizer: Any) -> None:
    both = judged(range(4), is_wanted=True) + judged(range(4, 8), is_wanted=False)
    encoded = encode_judged(both, tokenizer, max_length=96)
    first = unpaired_rows(encoded, seed=1, at_once=4)
    assert first == unpaired_rows(encoded, seed=1, at_once=4)
    assert first != unpaired_rows(encoded, seed=2, at_once=4)
    assert sum(row["label"] for row in first) == 4
