"""Projections of one input as one product, and the gradient of their adapters.

Products run in the precision of their group. Call all of it where no gradient is recorded. Reads
and writes no table.
"""

from collections.abc import Sequence

import torch

from train.finetune.operations import AdapterBack, ByPyTorch, Operations
from train.finetune.projection import Projection


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
        operations: Operations | None = None,
    ) -> None:
        """Join projections; call `merge` before the first product and after each step.

        `operations` merge the weights; None: PyTorch's.
        """
        self.projections = tuple(projections)
        self.dtype = dtype
        self.scale = None if scale is None else scale.detach().float()
        self.widths = [p.weight.shape[0] for p in projections]
        self.weight = torch.empty(sum(self.widths), projections[0].weight.shape[1], dtype=dtype)
        self._operations = operations or ByPyTorch(dtype)
        self._back: AdapterBack = _unmerged

    def merge(self) -> None:
        """Weights, of the adapter as it is now, in the precision of the products."""
        with torch.no_grad():
            into = self.weight.split(self.widths)
            for p, part in zip(self.projections, into, strict=True):
                self._operations.merge(p, self.scale, part)
            self._back = self._operations.adapter_back(self.projections, self.scale)

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What is trained, `down` and `up` of each projection in turn."""
        return [part for p in self.projections for part in (p.down, p.up)]

    def gradient(self, x: torch.Tensor, grad: torch.Tensor) -> list[torch.Tensor]:
        """The gradient of `parameters`, float32.

        Args:
            x: input, [tokens, in].
            grad: gradient of the output in the group's precision, [tokens, out].
        """
        return self._back(x, grad)


def _unmerged(x: torch.Tensor, grad: torch.Tensor) -> list[torch.Tensor]:
    raise RuntimeError(f"a gradient by {tuple(x.shape)}, {tuple(grad.shape)} before `merge`")
