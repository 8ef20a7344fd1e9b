"""The steps of `train.finetune.lean`, each with the way back: out of a gradient, that of its input.

PyTorch records nothing here: its record costs more time than a tiny model's arithmetic
(docs/decisions.md). Products run in the precision of their group, sums between layers in float32.
Call all of it where no gradient is recorded. Reads and writes no table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional

Back = Callable[[torch.Tensor], torch.Tensor]
"""Out of the gradient of a step's output, that of its input."""

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

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What is trained, `down` and `up` of each projection in turn."""
        return [part for p in self.projections for part in (p.down, p.up)]

    def gradient(self, x: torch.Tensor, grad: torch.Tensor) -> list[torch.Tensor]:
        """The gradient of `parameters`, float32, by four thin products.

        Args:
            x: input, [tokens, in].
            grad: gradient of the output in the group's precision, [tokens, out].
        """
        # x · down · scaling, of all projections at once: [tokens, projections · rank]
        low = functional.linear(x, self.downs)
        ranks = [up.shape[1] for up in self.ups]
        parts = grad.split(self.widths, dim=1)
        ups = [part.t() @ thin for part, thin in zip(parts, low.split(ranks, dim=1), strict=True)]
        raised = _joined([part @ up for part, up in zip(parts, self.ups, strict=True)])
        downs = (raised.t() @ x).float()
        if self.scale is not None:
            downs *= self.scale
        found: list[torch.Tensor] = []
        for p, down, up in zip(self.projections, downs.split(ranks), ups, strict=True):
            found += [down * p.scaling, up.float()]
        return found

    def _weights(self) -> torch.Tensor:
        """The frozen weights side by side under their scale, float32."""
        merged = torch.empty(sum(self.widths), self.projections[0].weight.shape[1])
        for p, into in zip(self.projections, merged.split(self.widths), strict=True):
            if self.scale is None:
                into.copy_(p.weight)
            else:
                torch.mul(p.weight, self.scale, out=into)
        return merged


def _joined(parts: list[torch.Tensor]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def normed(x: torch.Tensor, epsilon: float, dtype: torch.dtype) -> tuple[torch.Tensor, Back]:
    """Return x / rms(x) by row, without a scale, in `dtype`.

    The way back writes over what was returned, so take it when nothing else needs that any more.
    Source: Zhang and Sennrich 2019, RMSNorm.
    """
    square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_()
    inverse = square.div_(x.shape[-1]).add_(epsilon).rsqrt_()
    out = (x * inverse).to(dtype)

    def back(grad: torch.Tensor) -> torch.Tensor:
        grad, wide = grad.float(), out.float()
        share = (grad * wide).mean(-1, keepdim=True)
        return wide.mul_(share).neg_().add_(grad).mul_(inverse)

    return out, back


def swiglu(x: torch.Tensor) -> tuple[torch.Tensor, Back]:
    """silu(gate) · up of [tokens, gate + up]. Source: Shazeer 2020, GLU variants."""
    gate, up = x.chunk(2, dim=-1)
    bent = functional.silu(gate)

    def back(grad: torch.Tensor) -> torch.Tensor:
        out = torch.empty_like(x)
        into_gate, into_up = out.chunk(2, dim=-1)
        torch.mul(grad, bent, out=into_up)
        torch.ops.aten.silu_backward(grad * up, gate, grad_input=into_gate)
        return out

    return bent * up, back


class Turns:
    """The rotation of heads by their positions, in place.

    Source: Su et al. 2021, RoFormer, in the half-and-half form of Llama.
    """

    def __init__(self, cos: torch.Tensor, sin: torch.Tensor) -> None:
        """Take cosine and sine by token, both [tokens, 1, size]."""
        half = cos.shape[-1] // 2
        self._half = half
        self._cos = (cos[..., :half].contiguous(), cos[..., half:].contiguous())
        self._sin = (sin[..., :half].contiguous(), sin[..., half:].contiguous())

    def turn(self, x: torch.Tensor, count: int, *, is_back: bool = False) -> None:
        """Turn the first `count` heads of [tokens, heads, size], or turn them back."""
        left, right = x[:, :count, : self._half], x[:, :count, self._half :]
        sign = -1 if is_back else 1
        turned = (left * self._cos[0]).addcmul_(right, self._sin[0], value=-sign)
        right.mul_(self._cos[1]).addcmul_(left, self._sin[1], value=sign)
        left.copy_(turned)


def attend(
    heads: torch.Tensor, shared: int, lengths: Sequence[int], buckets: Sequence[tuple[int, int]]
) -> tuple[torch.Tensor, Back]:
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
    tokens, every, size = heads.shape
    count = every - 2 * shared
    seen = heads.new_empty(tokens, count, size)
    seen[starts[-1] :] = 0
    done: list[tuple[slice, torch.Tensor, tuple[int, int], Square]] = []
    for first, last in buckets:
        longest = -(-max(lengths[first:last]) // _STEP) * _STEP
        places = _places(lengths[first:last], longest)
        inside, shape = slice(starts[first], starts[last]), (last - first, longest)
        padded = _spread(heads[inside], places, shape)
        out, square = _causal(*padded.split([count, shared, shared]))
        seen[inside] = _gathered(out, places)
        done.append((inside, places, shape, square))

    def back(grad: torch.Tensor) -> torch.Tensor:
        into = torch.empty_like(heads)
        into[starts[-1] :] = 0
        for inside, places, shape, square in done:
            padded = grad.new_empty(every, *shape, size)
            square(_spread(grad[inside], places, shape), *padded.split([count, shared, shared]))
            into[inside] = _gathered(padded, places)
        return into

    return seen, back


Square = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Writes the gradients of queries, keys and values, out of that of the output, into tensors."""


def _causal(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, Square]:
    """Causal attention, all [heads, examples, length, size]; keys and values may share heads."""
    is_shared = queries.shape[0] != keys.shape[0]
    if queries.shape[2] > _LONGEST_SQUARE or is_shared:
        return _by_kernel(queries, keys, values, is_shared=is_shared)
    return _by_square(queries, keys, values)


def _by_kernel(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, *, is_shared: bool
) -> tuple[torch.Tensor, Square]:
    """By PyTorch's kernel, which keeps no square of scores."""
    q, k, v = (part.transpose(0, 1).detach().requires_grad_() for part in (queries, keys, values))
    with torch.enable_grad():
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=is_shared)

    def square(grad: torch.Tensor, *into: torch.Tensor) -> None:
        found = torch.autograd.grad(out, (q, k, v), grad.transpose(0, 1))
        for place, gradient in zip(into, found, strict=True):
            place.copy_(gradient.transpose(0, 1))

    return out.detach().transpose(0, 1), square


def _by_square(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, Square]:
    """By the whole square of scores, which for short examples costs less.

    The gradient of PyTorch's kernel for CPUs took four times as long as its forward pass at 115
    tokens. Source: Vaswani et al. 2017.
    """
    q, k, v = (part.flatten(0, 1) for part in (queries, keys, values))
    length, size = q.shape[1:]
    scores = torch.baddbmm(_ahead(length, q.dtype), q, k.transpose(1, 2), alpha=size**-0.5)
    shares = torch.softmax(scores, dim=-1)

    def square(grad: torch.Tensor, *into: torch.Tensor) -> None:
        flat = grad.flatten(0, 1)
        into_q, into_k, into_v = (place.flatten(0, 1) for place in into)
        pulled = torch.bmm(flat, v.transpose(1, 2))
        scores = torch.ops.aten._softmax_backward_data(pulled, shares, -1, shares.dtype)  # noqa: SLF001
        scores *= size**-0.5
        torch.bmm(shares.transpose(1, 2), flat, out=into_v)
        torch.bmm(scores, k, out=into_q)
        torch.bmm(scores.transpose(1, 2), q, out=into_k)

    return torch.bmm(shares, v).view_as(queries), square


@lru_cache(maxsize=64)
def _ahead(length: int, dtype: torch.dtype) -> torch.Tensor:
    """What is added to scores, so that no token sees one ahead: [length, length]."""
    return torch.full((length, length), float("-inf"), dtype=dtype).triu_(1)


def _places(lengths: Sequence[int], longest: int) -> torch.Tensor:
    """Where each token of some examples lies once they are padded; int64[tokens]."""
    return torch.cat([torch.arange(n) + row * longest for row, n in enumerate(lengths)])


def _spread(x: torch.Tensor, places: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """[tokens, heads, size] to [heads, examples, length, size], zeros where no token is."""
    padded = x.new_zeros(x.shape[1], shape[0] * shape[1], x.shape[2])
    return padded.index_copy_(1, places, x.transpose(0, 1)).view(x.shape[1], *shape, x.shape[2])


def _gathered(x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The way back: [heads, examples, length, size] to [tokens, heads, size]."""
    return x.flatten(1, 2).index_select(1, places).transpose(0, 1)
