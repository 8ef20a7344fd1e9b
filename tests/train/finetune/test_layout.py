import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from train.finetune.batches import collate, lay_side_by_side
from train.finetune.layout import Flat, bucket_ranges, lay_out, lay_rows
from train.finetune.packed import Example

few_tokens = st.lists(st.integers(1, 3), min_size=2, max_size=40)


def example(ids: list[int], prompt_tokens: int) -> Example:
    return Example(ids=np.array(ids, np.int32), prompt_tokens=prompt_tokens)


def told(flat: Flat) -> list[list[int]]:
    """The tokens of each example, read from its seats."""
    found, start = [], 0
    lengths = iter(flat.lengths)
    for bucket in flat.buckets:
        for _ in range(bucket.examples):
            seats = flat.seats[start : start + bucket.length]
            length = next(lengths)
            assert flat.positions[seats[:length]].tolist() == list(range(length))
            assert (seats[length:] == flat.nodes).all()
            found.append(flat.ids[seats[:length]].tolist())
            start += bucket.length
    assert start == len(flat.seats)
    return found


def test_examples_are_laid_out_by_length_in_buckets_with_little_padding(
    examples: list[Example],
) -> None:
    flat = lay_out(examples)
    assert flat.lengths == (2, 7, 12, 29, 30, 31)
    assert bucket_ranges(flat.lengths) == [(0, 1), (1, 3), (3, 6)]
    assert [(b.examples, b.length) for b in flat.buckets] == [(1, 16), (2, 16), (3, 32)]
    assert len(flat.labels) == sum(len(e.ids) - e.prompt_tokens for e in examples)


def test_rows_and_their_examples_are_laid_out_alike_but_for_what_nobody_learns(
    examples: list[Example],
) -> None:
    rows = [lay_side_by_side(examples[:2]), lay_side_by_side(examples[2:])]
    found, wanted = lay_rows(collate(rows, pad=0)), lay_out(examples)
    assert (found.lengths, found.buckets) == (wanted.lengths, wanted.buckets)
    for name in ("ids", "positions", "predicting", "labels", "seats"):
        assert torch.equal(getattr(found, name), getattr(wanted, name))


def test_a_beginning_that_examples_share_is_there_once() -> None:
    flat = lay_out([example([5, 6, 7], 2), example([5, 6, 8, 9], 2), example([6, 7], 1)])
    assert flat.nodes == 2 + 3 + 2
    assert told(flat) == [[6, 7], [5, 6, 7], [5, 6, 8, 9]]
    assert flat.again[:, 1].tolist() == [0, 1]


@given(st.lists(st.tuples(few_tokens, st.integers(0, 50)), min_size=1, max_size=8))
def test_each_example_keeps_its_tokens_and_each_node_its_labels(
    drawn: list[tuple[list[int], int]],
) -> None:
    examples = [example(ids, min(prompt, len(ids) - 1)) for ids, prompt in drawn]
    flat = lay_out(examples)
    assert sorted(told(flat)) == sorted(e.ids.tolist() for e in examples)
    beginnings = {tuple(e.ids[: n + 1].tolist()) for e in examples for n in range(len(e.ids))}
    assert flat.nodes == len(beginnings)
    assert flat.nodes + len(flat.again) == sum(flat.lengths)
    assert torch.equal(flat.seats[flat.every.reads[: flat.nodes]], torch.arange(flat.nodes))
    asked = flat.last.reads[: len(flat.labels)]
    assert len(set(asked.tolist())) == len(asked)
    assert torch.equal(flat.last.gives[asked], torch.arange(len(asked)))
    assert (flat.every.gives == flat.nodes).sum() == len(flat.seats) - flat.nodes


def test_examples_that_nobody_learns_are_laid_out_and_ask_for_nothing() -> None:
    flat = lay_out([example([5, 6, 7], 3)])
    assert (flat.nodes, len(flat.labels)) == (3, 0)
    assert (flat.last.gives == 0).all()


def test_a_row_that_fills_up_is_there_where_tokens_fill_all_rows() -> None:
    flat = lay_out([example(list(range(32)), 0)])
    assert (flat.nodes, len(flat.ids), len(flat.predicting)) == (32, 64, 32)
