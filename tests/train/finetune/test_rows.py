import torch
from hypothesis import given
from hypothesis import strategies as st

from train.finetune.rows import Bucket, Turns


@given(st.integers(0, 99), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_a_bucket_has_each_token_once(first: int, lengths: list[int]) -> None:
    bucket = Bucket(first, lengths)
    assert bucket.rows == slice(first, first + sum(lengths))
    assert bucket.longest % 16 == 0
    assert max(lengths) <= bucket.longest < max(lengths) + 16
    assert bucket.starts.diff().tolist() == lengths
    assert bucket.starts[0] == first
    examples, tokens = bucket.places // bucket.longest, bucket.places % bucket.longest
    assert examples.bincount().tolist() == lengths
    assert tokens.tolist() == [t for n in lengths for t in range(n)]


def test_heads_turned_back_are_what_they_were() -> None:
    angles = torch.randn(6, 4).repeat(1, 2)
    turns = Turns(angles.cos(), angles.sin(), torch.float32)
    heads = torch.randn(3, 2, 8)
    turned = heads.clone()
    turns.turn(turned, slice(2, 5))
    torch.testing.assert_close(turned.norm(dim=-1), heads.norm(dim=-1))
    assert not torch.allclose(turned, heads)
    turns.turn(turned, slice(2, 5), is_back=True)
    torch.testing.assert_close(turned, heads)
