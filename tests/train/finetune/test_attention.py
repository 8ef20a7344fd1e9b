import pytest
import torch

from train.finetune import attention
from train.finetune.attention import Attention
from train.finetune.operations import ByPyTorch
from train.finetune.rows import Turns

LENGTHS, BUCKETS = (3, 5, 18), ((0, 2), (2, 3))
UNTURNED = Turns(torch.ones(32, 8), torch.zeros(32, 8), torch.float32)


def attended(heads: torch.Tensor, shared: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What is seen, and the gradient of the sum of its squares' halves."""
    found = Attention(ByPyTorch(torch.float32), UNTURNED, LENGTHS, BUCKETS)
    with torch.no_grad():
        seen, back = found.attend(heads.clone(), shared)
        return seen, back(seen)


@pytest.mark.parametrize("longest_square", [512, 0])
@pytest.mark.parametrize("shared", [2, 1])
def test_each_example_sees_itself_alone_and_nothing_ahead(
    monkeypatch: pytest.MonkeyPatch, longest_square: int, shared: int
) -> None:
    monkeypatch.setattr(attention, "_LONGEST_SQUARE", longest_square)
    heads = torch.randn(32, 2 + 2 * shared, 8, requires_grad=True)
    seen, into = attended(heads.detach(), shared)
    wanted = []
    for example in heads[:26].split(LENGTHS):
        parts = (part.transpose(0, 1) for part in example.split([2, shared, shared], dim=1))
        queries, keys, values = (part.repeat_interleave(2 // len(part), 0) for part in parts)
        scores = queries @ keys.transpose(1, 2) * 8**-0.5
        ahead = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        shares = scores.masked_fill(ahead, float("-inf")).softmax(-1)
        wanted.append((shares @ values).transpose(0, 1))
    torch.testing.assert_close(seen[:26], torch.cat(wanted))
    assert not seen[26:].any()
    (gradient,) = torch.autograd.grad(torch.cat(wanted).square().sum() / 2, heads)
    torch.testing.assert_close(into, gradient)
