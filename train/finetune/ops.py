"""The steps of `train.finetune.lean`, each with the way back: out of a gradient, that of its input.

PyTorch records nothing here: its record costs more time than a tiny model's arithmetic
(docs/decisions.md). Products run in the precision of their group, sums between layers in float32.
Call all of it where no gradient is recorded. Reads and writes no table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Back = Callable[[torch.Tensor], torch.Tensor]
"""Out of the gradient of a step's output, that of its input."""


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
        self._ranks = [p.down.shape[0] for p in projections]
        self._joined = torch.empty(0)
        self.ups: list[torch.Tensor] = []

    def merge(self) -> None:
        """Weights, of the adapter as it is now, in the precision of the products."""
        with torch.no_grad():
            downs = torch.cat([p.down * p.scaling for p in self.projections])
            if self.scale is not None:
                downs *= self.scale
            # One group's sum fits into a core's cache; its rounded copy is all that is kept.
            merged = self._weights()
            for p, down, into in zip(
                self.projections, downs.split(self._ranks), merged.split(self.widths), strict=True
            ):
                into.addmm_(p.up, down)
            self._joined = torch.empty(len(merged) + len(downs), merged.shape[1], dtype=self.dtype)
            self.weight.copy_(merged)
            self._joined[len(merged) :] = downs
            self.ups = [p.up.to(self.dtype) for p in self.projections]

    @property
    def weight(self) -> torch.Tensor:
        """Merged weights side by side, [out, in]; a view."""
        return self._joined[: sum(self.widths)]

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What is trained, `down` and `up` of each projection in turn."""
        return [part for p in self.projections for part in (p.down, p.up)]

    def project(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The output, [tokens, out], and x · down · scaling, [tokens, projections · rank].

        By one product, because thin ones take twice the time that their arithmetic says.
        """
        both = functional.linear(x, self._joined)
        return both[:, : sum(self.widths)], both[:, sum(self.widths) :]

    def gradient(
        self, x: torch.Tensor, grad: torch.Tensor, low: torch.Tensor | None = None
    ) -> list[torch.Tensor]:
        """The gradient of `parameters`, float32, by thin products.

        Args:
            x: input, [tokens, in].
            grad: gradient of the output in the group's precision, [tokens, out].
            low: of `project`; it is computed anew where it was not kept.
        """
        if low is None:
            low = functional.linear(x, self._joined[sum(self.widths) :])
        parts = grad.split(self.widths, dim=1)
        thins = low.split(self._ranks, dim=1)
        ups = [part.t() @ thin for part, thin in zip(parts, thins, strict=True)]
        raised = _joined([part @ up for part, up in zip(parts, self.ups, strict=True)])
        downs = (raised.t() @ x).float()
        if self.scale is not None:
            downs *= self.scale
        found: list[torch.Tensor] = []
        for p, down, up in zip(self.projections, downs.split(self._ranks), ups, strict=True):
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

    Source: Zhang and Sennrich 2019, RMSNorm.
    """
    square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_()
    inverse = square.div_(x.shape[-1]).add_(epsilon).rsqrt_()
    out = (x * inverse).to(dtype)

    def back(grad: torch.Tensor) -> torch.Tensor:
        grad, wide = grad.float(), out.float()
        share = (grad * wide).mean(-1, keepdim=True)
        return grad.addcmul(wide, share, value=-1).mul_(inverse)

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
