"""The differentiable steps of `train.finetune.lean`, each with the gradient that is needed of it.

Products run in the precision of their group, sums between layers in float32. Reads and writes no
table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional

_LONGEST_SQUARE = 512
"""Tokens up to which attention is computed by its whole square."""
_STEP = 16
"""Lengths of squares are multiples of it; each new one in bfloat16 costs a compilation."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A frozen linear map with its adapter: weight + scaling · up · down."""

    weight: torch.Tensor
    down: torch.Tensor
    """A of the LoRA paper, float32[rank, in]; trained."""
    up: torch.Tensor
    """B of the LoRA paper, float32[out, rank]; trained."""
    scaling: float

    @classmethod
    def of(cls, module: Any) -> "Projection":
        """The weights of a PEFT layer with one adapter, which are shared with it, not copied."""
        (name,) = module.active_adapters
        return cls(
            weight=module.get_base_layer().weight.detach(),
            down=module.lora_A[name].weight,
            up=module.lora_B[name].weight,
            scaling=float(module.scaling[name]),
        )


class Group:
    """Projections of one input, computed as one product, after a scale that is part of the weights.

    The scale of the norm before it belongs to the weights: (x · s) Wᵀ = x (W · s)ᵀ.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        *,
        dtype: torch.dtype,
        scale: torch.Tensor | None = None,
    ) -> None:
        """Join projections; call `merge` before the first product and after each step."""
        self.projections = tuple(projections)
        self.dtype = dtype
        self.scale = None if scale is None else scale.detach().float()
        self.widths = [p.weight.shape[0] for p in projections]
        self.weight = torch.empty(0)
        self.downs = torch.empty(0)
        self.ups: list[torch.Tensor] = []

    def merge(self) -> None:
        """Weights, of the adapter as it is now, in the precision of the products."""
        with torch.no_grad():
            downs = torch.cat([p.down * p.scaling for p in self.projections])
            if self.scale is not None:
                downs *= self.scale
            # One group's sum fits into a core's cache; its rounded copy is all that is kept.
            merged = self._weights()
            ranks = [p.up.shape[1] for p in self.projections]
            for p, down, into in zip(
                self.projections, downs.split(ranks), merged.split(self.widths), strict=True
            ):
                into.addmm_(p.up, down)
            self.weight = merged.to(self.dtype)
            self.downs = downs.to(self.dtype)
            self.ups = [p.up.to(self.dtype) for p in self.projections]

    def _weights(self) -> torch.Tensor:
        """The frozen weights side by side under their scale, float32."""
        merged = torch.empty(sum(self.widths), self.projections[0].weight.shape[1])
        for p, into in zip(self.projections, merged.split(self.widths), strict=True):
            if self.scale is None:
                into.copy_(p.weight)
            else:
                torch.mul(p.weight, self.scale, out=into)
        return merged


def projected(x: torch.Tensor, group: Group) -> torch.Tensor:
    """Return x (W + scaling · up · down)ᵀ of a group, side by side; trains `up` and `down`."""
    adapters = [part for p in group.projections for part in (p.down, p.up)]
    return _Projected.apply(x, group, *adapters)


class _Projected(torch.autograd.Function):
    """One product forward; backward one more, and four thin ones for the adapter."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, group: Group, *_adapters: torch.Tensor) -> torch.Tensor:
        ctx.group = group
        ctx.save_for_backward(x)
        return functional.linear(x, group.weight)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (x,), group = ctx.saved_tensors, ctx.group
        grad = grad.to(group.dtype)
        given = grad @ group.weight if ctx.needs_input_grad[0] else None
        # x · down · scaling, of all projections at once: [tokens, projections · rank]
        low = functional.linear(x, group.downs)
        parts = grad.split(group.widths, dim=1)
        lows = low.split([up.shape[1] for up in group.ups], dim=1)
        ups = [part.t() @ thin for part, thin in zip(parts, lows, strict=True)]
        raised = _joined([part @ up for part, up in zip(parts, group.ups, strict=True)])
        downs = (raised.t() @ x).float()
        if group.scale is not None:
            downs = downs * group.scale
        grads: list[torch.Tensor] = []
        ranks = [up.shape[1] for up in group.ups]
        for p, down, up in zip(group.projections, downs.split(ranks), ups, strict=True):
            grads += [down * p.scaling, up.float()]
        return given, None, *grads


def _joined(parts: list[torch.Tensor]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def normed(x: torch.Tensor, epsilon: float, dtype: torch.dtype) -> torch.Tensor:
    """Return x / rms(x) by row, without a scale, in `dtype`.

    Source: Zhang and Sennrich 2019, RMSNorm.
    """
    return _Normed.apply(x, epsilon, dtype)


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, epsilon: float, dtype: torch.dtype) -> torch.Tensor:
        size = x.shape[-1]
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_()
        inverse = square.div_(size).add_(epsilon).rsqrt_()
        out = (x * inverse).to(dtype)
        ctx.save_for_backward(out, inverse)
        return out

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        out, inverse = ctx.saved_tensors
        grad = grad.float()
        wide = out.float()
        share = (grad * wide).mean(-1, keepdim=True)
        return wide.mul_(share).neg_().add_(grad).mul_(inverse), None, None


def swiglu(x: torch.Tensor) -> torch.Tensor:
    """silu(gate) · up of [tokens, gate + up]. Source: Shazeer 2020, GLU variants."""
    return _Swiglu.apply(x)


class _Swiglu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        gate, up = x.chunk(2, dim=-1)
        bent = functional.silu(gate)
        ctx.save_for_backward(x, bent)
        return bent * up

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        x, bent = ctx.saved_tensors
        gate, up = x.chunk(2, dim=-1)
        out = torch.empty_like(x)
        into_gate, into_up = out.chunk(2, dim=-1)
        torch.mul(grad, bent, out=into_up)
        torch.ops.aten.silu_backward(grad * up, gate, grad_input=into_gate)
        return out


def rotated(x: torch.Tensor, count: int, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """The first `count` heads turned by their positions, the others as they are.

    `x` is [tokens, heads, size], `cos` and `sin` are [tokens, 1, size].
    Source: Su et al. 2021, RoFormer, in the half-and-half form of Llama.
    """
    return _Rotated.apply(x, count, cos, sin)


class _Rotated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, count: int, cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.count = count
        return _turn(x, count, cos, sin)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        return _turn(grad, ctx.count, cos, -sin), None, None, None


def _turn(x: torch.Tensor, count: int, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    half = x.shape[-1] // 2
    left, right = x[:, :count, :half], x[:, :count, half:]
    out = torch.empty(x.shape, dtype=x.dtype)
    out[:, count:] = x[:, count:]
    turned = out[:, :count]
    torch.mul(left, cos[..., :half], out=turned[..., :half]).addcmul_(
        right, sin[..., :half], value=-1
    )
    torch.mul(right, cos[..., half:], out=turned[..., half:]).addcmul_(left, sin[..., half:])
    return out


def attend(
    heads: torch.Tensor, shared: int, lengths: Sequence[int], buckets: Sequence[tuple[int, int]]
) -> torch.Tensor:
    """Causal attention of each example to itself alone: [tokens, heads of queries, size].

    The examples of a bucket are padded to its longest at the end, where no real token looks; tokens
    after the last example see nothing.

    Args:
        heads: of queries, keys and values side by side, [tokens, heads, size].
        shared: how many heads keys, and values, have.
        lengths: of the examples.
        buckets: ranges of examples.
    """
    starts = [0, *accumulate(lengths)]
    count = heads.shape[1] - 2 * shared
    found = []
    for first, last in buckets:
        longest = -(-max(lengths[first:last]) // _STEP) * _STEP
        places = _places(lengths[first:last], longest)
        inside = heads[starts[first] : starts[last]]
        padded = _Spread.apply(inside, places, (last - first) * longest)
        parts = [
            part.view(part.shape[0], last - first, longest, part.shape[2])
            for part in padded.split([count, shared, shared])
        ]
        out = _causal(*parts).reshape(count, -1, heads.shape[2])
        found.append(_Gathered.apply(out, places))
    rest = heads.shape[0] - starts[-1]
    return torch.cat([*found, heads.new_zeros(rest, count, heads.shape[2])])


def _causal(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Causal attention, all [heads, examples, length, size]; keys and values may share heads."""
    is_shared = queries.shape[0] != keys.shape[0]
    if queries.shape[2] > _LONGEST_SQUARE or is_shared:
        out = functional.scaled_dot_product_attention(
            queries.transpose(0, 1),
            keys.transpose(0, 1),
            values.transpose(0, 1),
            is_causal=True,
            enable_gqa=is_shared,
        )
        return out.transpose(0, 1)
    flat = [part.flatten(0, 1) for part in (queries, keys, values)]
    return _Square.apply(*flat).view_as(queries)


class _Square(torch.autograd.Function):
    """Attention by its whole square of scores, which for short examples costs less.

    The gradient of PyTorch's kernel for CPUs took four times as long as its forward pass at 115
    tokens. Source: Vaswani et al. 2017.
    """

    @staticmethod
    def forward(
        ctx: Any, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        length, size = queries.shape[1:]
        ahead = queries.new_full((length, length), float("-inf")).triu_(1)
        scores = torch.baddbmm(ahead, queries, keys.transpose(1, 2), alpha=size**-0.5)
        shares = torch.softmax(scores, dim=-1)
        ctx.save_for_backward(queries, keys, values, shares)
        return torch.bmm(shares, values)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        queries, keys, values, shares = ctx.saved_tensors
        grad = grad.contiguous()
        pulled = torch.bmm(grad, values.transpose(1, 2))
        scores = torch.ops.aten._softmax_backward_data(pulled, shares, -1, shares.dtype)  # noqa: SLF001
        scores *= queries.shape[-1] ** -0.5
        into_values = torch.bmm(shares.transpose(1, 2), grad)
        return torch.bmm(scores, keys), torch.bmm(scores.transpose(1, 2), queries), into_values


def _places(lengths: Sequence[int], longest: int) -> torch.Tensor:
    """Where each token of some examples lies once they are padded; int64[tokens]."""
    return torch.cat([torch.arange(n) + row * longest for row, n in enumerate(lengths)])


class _Spread(torch.autograd.Function):
    """[tokens, heads, size] to [heads, `total`, size], each token at its place, zeros elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, places: torch.Tensor, total: int) -> torch.Tensor:
        ctx.save_for_backward(places)
        return x.new_zeros(x.shape[1], total, x.shape[2]).index_copy_(1, places, x.transpose(0, 1))

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return grad.index_select(1, ctx.saved_tensors[0]).transpose(0, 1), None, None


class _Gathered(torch.autograd.Function):
    """The way back: [heads, padded, size] to [tokens, heads, size], by the same places."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(places)
        ctx.total = x.shape[1]
        return x.index_select(1, places).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (places,) = ctx.saved_tensors
        into = grad.new_zeros(grad.shape[1], ctx.total, grad.shape[2])
        return into.index_copy_(1, places, grad.transpose(0, 1)), None
