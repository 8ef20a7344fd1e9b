from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.finetune.lanes import open_lanes, share_out, unflatten
from train.finetune.lean import LeanLlama, lay_out
from train.finetune.packed import Example

Gradients = dict[str, torch.Tensor]


def learnt(model: Any, examples: list[Example], count: int) -> tuple[float, int, Gradients]:
    lean = LeanLlama(model, dtype=torch.float32)
    lean.merge()
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    with open_lanes(lean, count=count) as lanes:
        loss, labels, flat = lanes.learn(examples)
    parts = unflatten(flat, lean.parameters)
    by_place = {id(p): part for p, part in zip(lean.parameters, parts, strict=True)}
    return loss, labels, {n: by_place[id(p)] for n, p in named.items()}


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_lanes_find_the_loss_and_gradient_of_one_pass(
    model: Any, examples: list[Example], count: int
) -> None:
    lean = LeanLlama(model, dtype=torch.float32)
    lean.merge()
    whole = lean.loss(lay_out(examples))
    whole.backward()
    wanted = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    loss, labels, found = learnt(model, examples, count)
    assert loss == pytest.approx(whole.item(), rel=1e-5)
    assert labels == len(lay_out(examples).labels)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_lanes_repeat_a_gradient_bit_by_bit(model: Any, examples: list[Example]) -> None:
    (loss, _, one), (again, _, other) = (learnt(model, examples, 3) for _ in range(2))
    assert loss == again
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_many_tokens_are_computed_in_pieces(
    model: Any, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, labels, wanted = learnt(model, examples, 1)
    monkeypatch.setattr("train.finetune.lanes.MOST_TOKENS", 32)
    loss, again, found = learnt(model, examples, 1)
    assert (loss, again) == (pytest.approx(whole, rel=1e-5), labels)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_judging_finds_the_same_loss_and_no_gradient(model: Any, examples: list[Example]) -> None:
    lean = LeanLlama(model, dtype=torch.float32)
    lean.merge()
    with open_lanes(lean, count=2) as lanes:
        judged = lanes.judge(examples)
    assert judged == pytest.approx(learnt(model, examples, 2)[:2])
    assert all(p.grad is None for p in model.parameters())


def test_pytorch_has_its_threads_back_after_lanes(model: Any) -> None:
    before = torch.get_num_threads()
    with open_lanes(LeanLlama(model, dtype=torch.float32), count=2):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@given(st.lists(st.integers(2, 400), max_size=40), st.integers(1, 8))
def test_shares_hold_every_example_once_and_differ_by_one_at_most(
    sizes: list[int], count: int
) -> None:
    examples = [Example(ids=np.zeros(n, np.int32), prompt_tokens=1) for n in sizes]
    shares = share_out(examples, count)
    assert sorted(map(id, examples)) == sorted(id(e) for share in shares for e in share)
    assert all(shares)
    assert len(shares) == min(count, len(examples))
    totals = [sum(len(e.ids) for e in share) for share in shares]
    assert max(totals, default=0) - min(totals, default=0) <= max(sizes, default=0)
