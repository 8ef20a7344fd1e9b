"""Whether a step keeps its activations or computes them again, by what a GPU can hold.

Reads and writes no table.
"""

from typing import Any

import torch
from torch.distributed import broadcast_object_list, is_initialized

from deskwheel.settings import TrainSettings

_BYTES_A_VALUE = 34
"""Bytes of activations a token, layer and hidden unit at 16 bits, without those of attention's
scores, which fused kernels do not keep.
Source: Korthikanti et al. 2022, "Reducing activation recomputation in large transformer models",
section 4.1."""
_FULL_WEIGHTS = 4
"""Times the weights of a full fine-tune: gradients and Adam's two moments are as large.
Source: Rajbhandari et al. 2019, ZeRO, section 3.1."""
_SHARE = 0.8
"""Of a GPU's memory that both may take; the rest is for logits, buffers and gaps. Our own
choice."""


def recomputes(settings: TrainSettings, model: Any, *, tokens: int, is_wide: bool = False) -> bool:
    """Whether layers are computed a second time in the backward pass instead of kept.

    With `auto` on a GPU that weights and activations of a step do not fit into; never on a CPU.
    The same answer on every worker, that of rank 0.

    Args:
        settings: has `gradient_checkpointing`.
        model: the base, or an adapter on it.
        tokens: that a worker computes at once.
        is_wide: products are of 32 bits.
    """
    chosen = [settings.gradient_checkpointing == "on"]
    if settings.gradient_checkpointing == "auto" and settings.use_gpu and torch.cuda.is_available():
        room = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        needed = needed_bytes(settings, model, tokens=tokens, is_wide=is_wide)
        chosen = [needed > _SHARE * room]
    if is_initialized():
        broadcast_object_list(chosen, src=0)
    return chosen[0]


def needed_bytes(settings: TrainSettings, model: Any, *, tokens: int, is_wide: bool) -> int:
    """Weights, what a full fine-tune keeps beside them, and the activations of a step.

    FSDP2 shares the first two among workers.
    """
    weights = int(model.get_memory_footprint())
    if settings.method == "full":
        weights *= _FULL_WEIGHTS
    if settings.parallel == "fsdp2":
        weights //= settings.workers
    size = model.config.hidden_size * model.config.num_hidden_layers
    return weights + tokens * size * _BYTES_A_VALUE * (2 if is_wide else 1)
