"""Each way to compute an operation is held to PyTorch's own record of the formula."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional

from train.finetune.fused import open_kernels
from train.finetune.operations import ByPyTorch, Operations
from train.finetune.projection import Projection
from train.finetune.rows import Bucket, Turns


@dataclass(frozen=True)
class Way:
    by: Operations
    dtype: torch.dtype
    error: float
    """Relative, in norm."""

    def draw(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape).to(self.dtype)

    def check(self, found: torch.Tensor, wanted: torch.Tensor) -> None:
        assert found.shape == wanted.shape
        assert float((found.float() - wanted).norm()) <= self.error * float(wanted.norm())


def kernels() -> Way:
    by = open_kernels(torch.bfloat16)
    if by is None:
        pytest.skip("no C compiler")
    return Way(by, torch.bfloat16, 0.006)


WAYS: dict[str, Callable[[], Way]] = {
    "pytorch in float32": lambda: Way(ByPyTorch(torch.float32), torch.float32, 1e-5),
    "pytorch in bfloat16": lambda: Way(ByPyTorch(torch.bfloat16), torch.bfloat16, 0.02),
    "kernels": kernels,
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    torch.manual_seed(5)
    return WAYS[request.param]()


def recorded(x: torch.Tensor) -> torch.Tensor:
    return x.float().clone().requires_grad_()


@pytest.mark.parametrize("has_delta", [True, False])
def test_a_norm_adds_first_and_its_way_back_adds_too(way: Way, has_delta: bool) -> None:
    hidden, grad = torch.randn(5, 48), torch.randn(5, 48)
    delta = way.draw(5, 48) if has_delta else None
    given = way.draw(5, 48)
    x = recorded(hidden if delta is None else hidden + delta)
    wanted = x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    total, out, back = way.by.norm(hidden, delta, 1e-5)
    assert torch.equal(total, x)
    way.check(out, wanted.detach())
    both, low = back(given, grad)
    (through,) = torch.autograd.grad(wanted, x, given.float())
    way.check(both, grad + through)
    assert torch.equal(low, both.to(way.dtype))


def test_swiglu_is_that_of_its_formula_even_where_the_sigmoid_has_no_bits_left(way: Way) -> None:
    x, grad = way.draw(7, 2 * 40), way.draw(7, 40)
    x[0, :4] = torch.tensor([200.0, -200.0, 90.0, -90.0])
    wide = recorded(x)
    gate, up = wide.chunk(2, dim=-1)
    wanted = functional.silu(gate) * up
    out, back = way.by.swiglu(x)
    way.check(out, wanted.detach())
    way.check(back(grad), torch.autograd.grad(wanted, wide, grad.float())[0])


def test_heads_are_turned_into_a_bucket_and_back_out_of_it(way: Way) -> None:
    bucket = Bucket(2, (3, 17))
    x, angles = way.draw(24, 5, 8), torch.randn(24, 8)
    turns = Turns(angles.cos(), angles.sin(), way.dtype)
    before = x.clone()
    padded = way.by.spread(x.clone(), bucket, turns, 2)
    assert padded.shape == (5, 2, 32, 8)
    left, right = before.float().chunk(2, dim=-1)
    swapped = torch.cat([-right, left], dim=-1)
    turned = before.float() * turns.cos[:, None] + swapped * turns.sin[:, None]
    way.check(padded[:2, 1, :17], turned[5:22, :2].transpose(0, 1))
    assert torch.equal(padded[2:, 0, :3], before[2:5, 2:].transpose(0, 1))
    assert not padded[:, 0, 3:].any()
    # The same angle in both halves turns without stretching, so the way back is the inverse.
    even = Turns(*(part[:, :4].repeat(1, 2) for part in (turns.cos, turns.sin)), way.dtype)
    into = torch.zeros_like(x)
    way.by.gather(way.by.spread(x.clone(), bucket, even, 2), bucket, even, 2, into=into)
    way.check(into[2:22], before[2:22].float())
    assert not into[:2].any()
    assert not into[22:].any()


@pytest.mark.parametrize("length", [16, 48])
def test_shares_see_nothing_ahead_and_lead_back(way: Way, length: int) -> None:
    queries, keys, pulled = (way.draw(3, length, n) for n in (8, 8, length))
    scores = recorded(torch.bmm(queries, keys.transpose(1, 2)))
    hidden = torch.full((length, length), float("-inf")).triu(1)
    wanted = torch.softmax(scores * 0.3 + hidden, dim=-1)
    shares = way.by.shares(queries, keys, 0.3)
    assert not shares.triu(1).any()
    way.check(shares, wanted.detach())
    found = way.by.shares_back(pulled.clone(), shares, 0.3)
    assert not found.triu(1).any()
    way.check(found, torch.autograd.grad(wanted, scores, pulled.float())[0])


def projections(rank: int, widths: tuple[int, ...], inputs: int) -> list[Projection]:
    return [
        Projection(
            weight=torch.randn(out, inputs), down=torch.randn(rank, inputs).requires_grad_(),
            up=torch.randn(out, rank).requires_grad_(), scaling=0.5,
        )
        for out in widths
    ]  # fmt: skip


def merged(p: Projection, scale: torch.Tensor | None) -> torch.Tensor:
    weight = p.weight + p.scaling * p.up @ p.down
    return weight if scale is None else weight * scale


@pytest.mark.parametrize("has_scale", [True, False])
@pytest.mark.parametrize("rank", [16, 32, 6])
def test_adapters_are_merged_and_get_their_gradient(way: Way, rank: int, has_scale: bool) -> None:
    group = projections(rank, (32, 48), 80)
    scale = torch.rand(80) + 0.5 if has_scale else None
    x, grad = way.draw(13, 80), way.draw(13, 80)
    with torch.no_grad():
        for p in group:
            into = torch.empty_like(p.weight, dtype=way.dtype)
            way.by.merge(p, scale, into)
            way.check(into, merged(p, scale))
        found = way.by.adapter_back(group, scale)(x, grad)
    out = x.float() @ torch.cat([merged(p, scale) for p in group]).t()
    wanted = torch.autograd.grad(out, [q for p in group for q in (p.down, p.up)], grad.float())
    for gradient, right in zip(found, wanted, strict=True):
        assert gradient.dtype == torch.float32
        way.check(gradient, right)
