"""What `train.finetune.lean` does by element, with the way back: out of a gradient, the next one.

PyTorch records nothing here: its record costs more time than a tiny model's arithmetic
(docs/decisions.md). Call all of it where no gradient is recorded. Reads and writes no table.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import torch
from torch.nn import functional

from train.finetune.projection import Projection
from train.finetune.rows import Bucket, Turns

Back = Callable[[torch.Tensor], torch.Tensor]
"""Out of the gradient of a step's output, that of its input."""
NormBack = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Of the gradient of a norm's output, and a float32 one of its input that came another way: the sum
of both by its input, and the same in the precision of products."""


AdapterBack = Callable[[torch.Tensor, torch.Tensor], list[torch.Tensor]]
"""Out of a group's input, [tokens, in], and its output's gradient, [tokens, out], both in the
precision of products: the gradient of `down` and `up` of each projection in turn, float32."""


class Operations(Protocol):
    """Who computes it: PyTorch call by call, or `train.finetune.fused` in a pass each."""

    def merge(self, projection: Projection, scale: torch.Tensor | None, into: torch.Tensor) -> None:
        """Write (weight + scaling · up · down) · scale, rounded."""

    def adapter_back(
        self, projections: Sequence[Projection], scale: torch.Tensor | None
    ) -> AdapterBack:
        """The way to the gradient of adapters of one input, as they are now."""

    def norm(
        self, hidden: torch.Tensor, delta: torch.Tensor | None, epsilon: float
    ) -> tuple[torch.Tensor, torch.Tensor, NormBack]:
        """Return hidden + delta, float32, the same divided by its rms by row, and the way back.

        The way back may write over the second, so take it when nothing else needs that any more.
        Source: Zhang and Sennrich 2019, RMSNorm; a scale is left to the weights.
        """

    def swiglu(self, x: torch.Tensor) -> tuple[torch.Tensor, Back]:
        """silu(gate) · up of [tokens, gate + up]. Source: Shazeer 2020, GLU variants."""

    def spread(self, x: torch.Tensor, bucket: Bucket, turns: Turns, turned: int) -> torch.Tensor:
        """A bucket of [tokens, heads, size] as [heads, examples, length, size], padded by zeros.

        The first `turned` heads are turned, perhaps in `x` too.
        """

    def gather(
        self, x: torch.Tensor, bucket: Bucket, turns: Turns, turned: int, *, into: torch.Tensor
    ) -> None:
        """Write a bucket's rows: `spread` the other way round, turning back."""

    def shares(self, queries: torch.Tensor, keys: torch.Tensor, scale: float) -> torch.Tensor:
        """Causal softmax of queries · keys · scale, [squares, length, length].

        Source: Vaswani et al. 2017.
        """

    def shares_back(self, pulled: torch.Tensor, shares: torch.Tensor, scale: float) -> torch.Tensor:
        """The gradient of queries · keys, out of that of the shares, which may be written over."""


class ByPyTorch:
    """Each operation by a few calls of PyTorch, on as many threads as it has."""

    def __init__(self, dtype: torch.dtype) -> None:
        """Take the precision of products."""
        self._dtype = dtype

    def merge(self, projection: Projection, scale: torch.Tensor | None, into: torch.Tensor) -> None:
        """See `Operations`."""
        # One projection's sum fits into a core's cache; its rounded copy is all that is kept.
        merged = torch.addmm(
            projection.weight.float(), projection.up, projection.down, alpha=projection.scaling
        )
        into.copy_(merged if scale is None else merged.mul_(scale))

    def adapter_back(
        self, projections: Sequence[Projection], scale: torch.Tensor | None
    ) -> AdapterBack:
        """See `Operations`; four thin products."""
        widths, ranks = ([p.up.shape[n] for p in projections] for n in (0, 1))
        wide = torch.cat([p.down * p.scaling for p in projections])
        downs = (wide if scale is None else wide.mul_(scale)).to(self._dtype)
        ups = [(p.up * p.scaling).to(self._dtype) for p in projections]

        def back(x: torch.Tensor, grad: torch.Tensor) -> list[torch.Tensor]:
            # x · down · scaling, of all projections at once: [tokens, projections · rank]
            low = functional.linear(x, downs).split(ranks, dim=1)
            parts = grad.split(widths, dim=1)
            raised = _joined([part @ up for part, up in zip(parts, ups, strict=True)])
            narrow = raised.t() @ x
            into_downs = narrow.float() if scale is None else narrow * scale
            found: list[torch.Tensor] = []
            for part, thin, into_down in zip(parts, low, into_downs.split(ranks), strict=True):
                found += [into_down, (part.t() @ thin).float()]
            return found

        return back

    def norm(
        self, hidden: torch.Tensor, delta: torch.Tensor | None, epsilon: float
    ) -> tuple[torch.Tensor, torch.Tensor, NormBack]:
        """See `Operations`."""
        if delta is not None:
            hidden = hidden + delta
        square = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True).square_()
        inverse = square.div_(hidden.shape[-1]).add_(epsilon).rsqrt_()
        out = (hidden * inverse).to(self._dtype)

        def back(given: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            given, wide = given.float(), out.float()
            share = (given * wide).mean(-1, keepdim=True)
            total = wide.mul_(share).neg_().add_(given).mul_(inverse).add_(grad)
            return total, total.to(self._dtype)

        return hidden, out, back

    def swiglu(self, x: torch.Tensor) -> tuple[torch.Tensor, Back]:
        """See `Operations`."""
        gate, up = x.chunk(2, dim=-1)
        bent = functional.silu(gate)

        def back(grad: torch.Tensor) -> torch.Tensor:
            out = torch.empty_like(x)
            into_gate, into_up = out.chunk(2, dim=-1)
            torch.mul(grad, bent, out=into_up)
            torch.ops.aten.silu_backward(grad * up, gate, grad_input=into_gate)
            return out

        return bent * up, back

    def spread(self, x: torch.Tensor, bucket: Bucket, turns: Turns, turned: int) -> torch.Tensor:
        """See `Operations`."""
        rows = x[bucket.rows]
        if turned:
            turns.turn(rows[:, :turned], bucket.rows)
        count, longest = bucket.shape
        padded = x.new_zeros(x.shape[1], count * longest, x.shape[2])
        padded.index_copy_(1, bucket.places, rows.transpose(0, 1))
        return padded.view(x.shape[1], count, longest, x.shape[2])

    def gather(
        self, x: torch.Tensor, bucket: Bucket, turns: Turns, turned: int, *, into: torch.Tensor
    ) -> None:
        """See `Operations`."""
        rows = into[bucket.rows]
        rows.copy_(x.flatten(1, 2).index_select(1, bucket.places).transpose(0, 1))
        if turned:
            turns.turn(rows[:, :turned], bucket.rows, is_back=True)

    def shares(self, queries: torch.Tensor, keys: torch.Tensor, scale: float) -> torch.Tensor:
        """See `Operations`."""
        ahead = _ahead(queries.shape[1], queries.dtype)
        scores = torch.baddbmm(ahead, queries, keys.transpose(1, 2), alpha=scale)
        return torch.softmax(scores, dim=-1)

    def shares_back(self, pulled: torch.Tensor, shares: torch.Tensor, scale: float) -> torch.Tensor:
        """See `Operations`."""
        scores = torch.ops.aten._softmax_backward_data(pulled, shares, -1, shares.dtype)  # noqa: SLF001
        return scores.mul_(scale)


def _joined(parts: list[torch.Tensor]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


@lru_cache(maxsize=64)
def _ahead(length: int, dtype: torch.dtype) -> torch.Tensor:
    """What is added to scores, so that no token sees one ahead: [length, length]."""
    return torch.full((length, length), float("-inf"), dtype=dtype).triu_(1)
