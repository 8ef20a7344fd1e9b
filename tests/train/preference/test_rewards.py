from collections.abc import Callable
from typing import Any

import pytest
import torch
from trl.trainer.utils import add_fused_lm_head

from tests.train.preference.rows import judged, pairs
from train.finetune.loop import Outcome
from train.finetune.packed import PackedSet
from train.model import answer_nll
from train.preference.comparisons import compare_judged, compare_pairs
from train.preference.encode import encode_judged, encode_pairs
from train.preference.rewards import Judge

PAIRS = pairs(range(3))


@pytest.fixture
def judge(tune: Callable[[], Outcome], dev: PackedSet, tokenizer: Any) -> tuple[Judge, Outcome]:
    tuned = tune()
    add_fused_lm_head(tuned.model.get_base_model())
    comparisons = compare_pairs(encode_pairs(PAIRS, tokenizer, max_length=96))
    pad = tokenizer.pad_token_id
    return Judge(tuned.model, comparisons, dev, pad=pad, precision="fp32"), tuned


def test_a_reward_is_how_much_likelier_an_answer_is_than_by_the_base(
    judge: tuple[Judge, Outcome], tokenizer: Any
) -> None:
    found, tuned = judge
    answers = [(p.messages(), a) for p in PAIRS for a in (p.chosen, p.rejected)]
    with tuned.model.disable_adapter():
        base = [-nll / n for nll, n in answer_nll(tokenizer, tuned.model, answers)]
    policy = [-nll / n for nll, n in answer_nll(tokenizer, tuned.model, answers)]
    rewards = [a - b for a, b in zip(policy, base, strict=True)]
    margin = sum(rewards[::2]) / 3 - sum(rewards[1::2]) / 3
    assert found.judge().margin == pytest.approx(margin, abs=1e-4)
    assert found.judge().accuracy == 0.0


def test_the_loss_on_dev_is_that_of_the_fine_tune(judge: tuple[Judge, Outcome]) -> None:
    found, tuned = judge
    assert found.judge().dev_loss == pytest.approx(tuned.dev_loss, abs=1e-4)


def test_an_adapter_that_does_nothing_ranks_by_chance(judge: tuple[Judge, Outcome]) -> None:
    found, tuned = judge
    with torch.no_grad():
        for name, weight in tuned.model.named_parameters():
            if "lora_B" in name:
                weight.zero_()
    standing = found.judge()
    assert (standing.accuracy, standing.margin) == (0.5, 0.0)


def test_each_wanted_answer_is_compared_with_each_unwanted_one(tokenizer: Any) -> None:
    both = judged(range(2), is_wanted=True) + judged(range(2, 5), is_wanted=False)
    found = compare_judged(encode_judged(both, tokenizer, max_length=96))
    assert len(found.answers) == 5
    assert sorted(found.ranked) == [(i, j) for i in (0, 1) for j in (2, 3, 4)]
