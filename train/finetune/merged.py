"""An adapter's products merged into its base's while it is trained: one product a layer, not three.

For models of any make on a CPU, where the adapter's own small products cost more time than their
arithmetic says. The gradient is that of PEFT's layers but for rounding. Reads and writes no table.
"""

from typing import Any

import torch
from peft.tuners.lora import Linear
from torch.nn import functional

from train.finetune.group import Group
from train.finetune.projection import Projection


class MergedProducts:
    """Stands in for the forward pass of a PEFT model's layers until it is removed.

    Layers with a dropout, several adapters or another kind of weight keep their own.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        """Take over the layers that can be; `dtype` is that of the products."""
        self._layers = [_Layer(m, dtype) for m in model.modules() if _is_plain(m)]
        for layer in self._layers:
            layer.module.forward = layer.forward

    def __len__(self) -> int:
        """How many layers were taken over."""
        return len(self._layers)

    def merge(self) -> None:
        """Take the adapter's newest weights; call it before a step and before a look at dev."""
        for layer in self._layers:
            layer.group.merge()

    def remove(self) -> None:
        """Give the layers their own forward pass back."""
        for layer in self._layers:
            del layer.module.forward
        self._layers = []


class _Layer:
    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        self.module = module
        self.group = Group([Projection.of(module)], dtype=dtype)
        bias = module.get_base_layer().bias
        self._bias = None if bias is None else bias.detach().to(dtype)

    def forward(self, x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        flat = x.flatten(0, -2).to(self.group.dtype)
        flat = _Projected.apply(flat, self.group, *self.group.parameters)
        if self._bias is not None:
            flat = flat + self._bias
        return flat.view(*x.shape[:-1], -1)


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
        return given, None, *group.gradient(x, grad)


def _is_plain(module: Any) -> bool:
    return (
        isinstance(module, Linear)
        and len(module.active_adapters) == 1
        and type(module.get_base_layer()) is torch.nn.Linear
        and all(isinstance(d, torch.nn.Identity) for d in module.lora_dropout.values())
    )
