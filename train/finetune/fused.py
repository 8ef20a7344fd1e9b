"""The operations of `train.finetune.operations` by compiled kernels, each in a pass over its rows.

For bfloat16 on a CPU. A call runs on one core, the caller's. Results are those of PyTorch but for
rounding, of which there is less: nothing is rounded between two steps of a kernel. Reads and
writes no table.
"""

from collections.abc import Sequence
from ctypes import CDLL

import torch

from train.finetune.native import load_kernels
from train.finetune.operations import AdapterBack, Back, ByPyTorch, NormBack, Operations
from train.finetune.projection import Projection
from train.finetune.rows import Bucket, Turns

_LANES = 16
"""Numbers of a vector in `kernels.c`."""


def open_kernels(dtype: torch.dtype) -> Operations | None:
    """The kernels for products in `dtype`; None where there are none, and PyTorch computes."""
    if dtype != torch.bfloat16:
        return None
    kernels = load_kernels()
    return None if kernels is None else ByKernels(kernels)


class ByKernels:
    """Each operation by one call of compiled code."""

    def __init__(self, kernels: CDLL) -> None:
        """Take the library of `load_kernels`."""
        self._kernels = kernels
        self._plain = ByPyTorch(torch.bfloat16)

    def merge(self, projection: Projection, scale: torch.Tensor | None, into: torch.Tensor) -> None:
        """See `Operations`."""
        p = projection
        if not _fits([p]):
            self._plain.merge(p, scale, into)
            return
        self._kernels.merge(
            _at(p.weight), _at(p.up), _at(p.down), _at_or_null(scale),
            p.scaling, *p.weight.shape, p.up.shape[1], _at(into),
        )  # fmt: skip

    def adapter_back(
        self, projections: Sequence[Projection], scale: torch.Tensor | None
    ) -> AdapterBack:
        """See `Operations`."""
        if not _fits(projections):
            return self._plain.adapter_back(projections, scale)
        factors = [p.scaling if scale is None else p.scaling * scale for p in projections]
        parts = [
            ((p.down * by).t().contiguous(), p.up * p.scaling)
            for p, by in zip(projections, factors, strict=True)
        ]

        def back(x: torch.Tensor, grad: torch.Tensor) -> list[torch.Tensor]:
            (rows, into), stride = x.shape, grad.shape[1]
            thin = torch.empty(rows * _LANES)
            found: list[torch.Tensor] = []
            place = _at(grad)
            for down, up in parts:
                out, rank = up.shape
                into_down, into_up = torch.empty((rank, into)), torch.empty((out, rank))
                self._kernels.adapter_back(
                    _at(x), place, stride, rows, into, out, rank, _at(down), _at(up),
                    _at_or_null(scale), _at(thin), _at(into_down), _at(into_up),
                )  # fmt: skip
                place += out * grad.element_size()
                found += [into_down, into_up]
            return found

        return back

    def norm(
        self, hidden: torch.Tensor, delta: torch.Tensor | None, epsilon: float
    ) -> tuple[torch.Tensor, torch.Tensor, NormBack]:
        """See `Operations`."""
        shape = hidden.shape
        total = hidden if delta is None else torch.empty_like(hidden)
        out = torch.empty(shape, dtype=torch.bfloat16)
        inverse = torch.empty(shape[0])
        self._kernels.norm(
            _at(hidden), _at_or_null(delta), *shape, epsilon, _at(total),
            _at(out), _at(inverse),
        )  # fmt: skip

        def back(given: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            both, low = torch.empty(shape), torch.empty(shape, dtype=torch.bfloat16)
            self._kernels.norm_back(
                _at(given), _at(out), _at(inverse), _at(grad), *shape, _at(both), _at(low)
            )
            return both, low

        return total, out, back

    def swiglu(self, x: torch.Tensor) -> tuple[torch.Tensor, Back]:
        """See `Operations`."""
        rows, width = x.shape[0], x.shape[1] // 2
        out = torch.empty((rows, width), dtype=torch.bfloat16)
        self._kernels.swiglu(_at(x), rows, width, _at(out))

        def back(grad: torch.Tensor) -> torch.Tensor:
            into = torch.empty_like(x)
            self._kernels.swiglu_back(_at(x), _at(grad), rows, width, _at(into))
            return into

        return out, back

    def spread(self, x: torch.Tensor, bucket: Bucket, turns: Turns, turned: int) -> torch.Tensor:
        """See `Operations`."""
        _, heads, size = x.shape
        padded = torch.empty((heads, *bucket.shape, size), dtype=torch.bfloat16)
        self._kernels.spread(
            _at(x), _at(bucket.starts), *bucket.shape, heads, size, turned, _at(turns.cos),
            _at(turns.sin), _at(padded),
        )  # fmt: skip
        return padded

    def gather(
        self, x: torch.Tensor, bucket: Bucket, turns: Turns, turned: int, *, into: torch.Tensor
    ) -> None:
        """See `Operations`."""
        _, heads, size = into.shape
        x = x.contiguous()
        self._kernels.gather(
            _at(x), _at(bucket.starts), *bucket.shape, heads, size, turned, _at(turns.cos),
            _at(turns.sin), _at(into),
        )  # fmt: skip

    def shares(self, queries: torch.Tensor, keys: torch.Tensor, scale: float) -> torch.Tensor:
        """See `Operations`."""
        scores = torch.bmm(queries, keys.transpose(1, 2))
        self._kernels.softmax(_at(scores), *scores.shape[:2], scale)
        return scores

    def shares_back(self, pulled: torch.Tensor, shares: torch.Tensor, scale: float) -> torch.Tensor:
        """See `Operations`."""
        self._kernels.softmax_back(_at(pulled), _at(shares), *pulled.shape[:2], scale)
        return pulled


def _fits(projections: Sequence[Projection]) -> bool:
    """Whether widths and ranks fill vectors; else PyTorch computes what goes through adapters."""
    return not any(n % _LANES for p in projections for n in (*p.up.shape, *p.down.shape))


def _at(x: torch.Tensor) -> int:
    """Where its numbers begin in memory; kernels take rows without gaps."""
    assert x.is_contiguous(), x.stride()
    return x.data_ptr()


def _at_or_null(x: torch.Tensor | None) -> int | None:
    return None if x is None else _at(x)
