import numpy as np
import pytest
import torch

from deskwheel.settings import TrainSettings
from train.finetune.batches import IGNORED, Frame, collate, dataset_of, lay_side_by_side
from train.finetune.packed import Example, pack_examples
from train.model import load_base


def example(*ids: int, prompt: int) -> Example:
    return Example(ids=np.array(ids, dtype=np.int32), prompt_tokens=prompt)


ONE, TWO = example(5, 6, 7, prompt=1), example(8, 9, prompt=0)


def test_positions_begin_anew_and_prompts_have_no_labels() -> None:
    laid = lay_side_by_side([ONE, TWO])
    assert laid["input_ids"].tolist() == [5, 6, 7, 8, 9]
    assert laid["position_ids"].tolist() == [0, 1, 2, 0, 1]
    assert laid["labels"].tolist() == [IGNORED, 6, 7, IGNORED, 9]


def test_what_fills_a_row_is_an_example_of_its_own_without_labels() -> None:
    batch = collate([lay_side_by_side([ONE, TWO]), lay_side_by_side([ONE])], pad=0)
    assert batch["input_ids"].tolist()[1] == [5, 6, 7, 0, 0]
    assert batch["position_ids"].tolist()[1] == [0, 1, 2, 0, 1]
    assert batch["labels"].tolist()[1] == [IGNORED, 6, 7, IGNORED, IGNORED]


def test_a_frame_gives_every_batch_one_size_and_tells_where_examples_begin() -> None:
    rows = [lay_side_by_side([ONE, TWO]), lay_side_by_side([ONE])]
    batch = collate(rows, 0, Frame(width=8, examples=2))
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9, 0, 0, 0], [5, 6, 7, 0, 0, 0, 0, 0]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 5, 8, 11, 16, 16]
    assert batch["cu_seq_lens_q"].dtype == torch.int32
    assert batch["max_length_q"] == 8


def test_a_frame_without_a_width_takes_that_of_the_longest_row() -> None:
    rows = [lay_side_by_side([ONE, TWO]), lay_side_by_side([ONE])]
    batch = collate(rows, 0, Frame(width=None, examples=2))
    assert batch["input_ids"].shape == (2, 5)
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 5, 8, 10, 10, 10]


def test_rows_of_single_examples_are_told_no_lengths() -> None:
    batch = collate([lay_side_by_side([ONE])], 0, Frame(width=4, examples=1))
    assert set(batch) == {"input_ids", "labels", "position_ids"}


def test_a_dataset_reads_the_packed_sequence_that_is_asked_for() -> None:
    dataset = dataset_of(pack_examples([ONE, TWO], [[1], [0]]))
    assert len(dataset) == 2
    assert dataset[1]["input_ids"].tolist() == [5, 6, 7]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_packed_example_gets_the_logits_that_it_gets_alone(
    settings: TrainSettings, attention: str
) -> None:
    model = load_base(settings)
    model.set_attn_implementation(attention)
    rng = np.random.default_rng(0)
    examples = [
        Example(ids=rng.integers(4, 1900, size).astype(np.int32), prompt_tokens=1)
        for size in (9, 17, 5)
    ]
    batch = collate([lay_side_by_side(examples), lay_side_by_side(examples[:1])], pad=0)
    del batch["labels"]
    with torch.no_grad():
        packed = model(**batch, use_cache=False).logits
        alone = [
            model(input_ids=lay_side_by_side([e])["input_ids"][None], use_cache=False).logits[0]
            for e in examples
        ]
    torch.testing.assert_close(packed[0], torch.cat(alone), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(packed[1, :9], alone[0], rtol=1e-4, atol=1e-5)
