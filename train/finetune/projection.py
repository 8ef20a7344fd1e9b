"""A frozen linear map and what is learnt beside it. Reads and writes no table."""

from dataclasses import dataclass
from typing import Any

import torch


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
