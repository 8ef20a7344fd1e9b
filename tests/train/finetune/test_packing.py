import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.finetune.packing import pack, repetitions


@given(st.lists(st.integers(1, 40), max_size=60))
def test_each_sequence_is_packed_once_and_no_bin_overflows(lengths: list[int]) -> None:
    bins = pack(lengths, 40)
    assert sorted(i for bin_ in bins for i in bin_) == list(range(len(lengths)))
    assert all(0 < sum(lengths[i] for i in bin_) <= 40 for bin_ in bins)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_at_most_one_bin_is_half_empty(lengths: list[int]) -> None:
    rooms = sorted(sum(lengths[i] for i in bin_) for bin_ in pack(lengths, 40))
    assert all(used > 20 for used in rooms[1:])


def test_a_sequence_goes_where_it_leaves_the_least_room() -> None:
    assert pack([6, 7, 3, 4], 10) == [[1, 2], [0, 3]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="11 tokens does not fit into 10"):
        pack([11], 10)


def test_a_fraction_of_a_weight_is_a_share_of_the_examples() -> None:
    counts = [repetitions(f"ex-{i}", 1.25) for i in range(4000)]
    assert set(counts) == {1, 2}
    assert sum(counts) / 4000 == pytest.approx(1.25, abs=0.03)
    assert counts == [repetitions(f"ex-{i}", 1.25) for i in range(4000)]
