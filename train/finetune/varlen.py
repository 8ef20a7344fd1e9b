"""Attention within each example of packed sequences, by a GPU's kernels of variable length.

With a mask a kernel computes all pairs of a packed sequence and throws most away; by the lengths of
its examples it computes those within examples alone. Registers itself with transformers under
`ATTENTION`; reads and writes no table.
Source: Dao 2023, FlashAttention-2; `torch.nn.attention.varlen`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from deskwheel.settings import TrainSettings

ATTENTION = "deskwheel_varlen"
_MODELS = ("llama", "mistral", "qwen2", "qwen3")
"""Whose layers hand the lengths on to attention, and attend to everything before."""
_CAPABILITY = (8, 0)
_MOST_HEAD, _HEAD_STEP = 256, 8
"""Least GPU, greatest head and what divides it. Source: FlashAttention-2, README."""
_BEFORE = (-1, 0)
"""Attention to everything before and nothing after."""


def attends_by_length(settings: TrainSettings, model: Any, *, precision: str) -> bool:
    """Whether this GPU and base model can attend by length in this precision."""
    config = model.config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return (
        settings.use_gpu
        and torch.cuda.is_available()
        and torch.cuda.get_device_capability() >= _CAPABILITY
        and precision in ("bf16", "fp16")
        and config.model_type in _MODELS
        and not _has_window(config)
        and head <= _MOST_HEAD
        and head % _HEAD_STEP == 0
    )


def _has_window(config: Any) -> bool:
    """Whether a layer attends to the nearest tokens alone."""
    kinds = set(getattr(config, "layer_types", None) or ())
    windowed = bool(getattr(config, "sliding_window", None))
    return "sliding_attention" in kinds if kinds else windowed


@contextmanager
def attending_by_length(model: Any) -> Iterator[None]:
    """The base model attends by the lengths that `collate` adds; afterwards as it did before.

    Rows without them are single examples: no mask is made that would tell several apart.
    """
    own = model.config._attn_implementation  # noqa: SLF001  no public way to ask
    model.set_attn_implementation(ATTENTION)
    try:
        yield
    finally:
        model.set_attn_implementation(own)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int = 0,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers asks of an attention function.

    Args:
        module: the layer that asks.
        query: [rows, heads, width, head].
        key: [rows, key heads, width, head]; several heads of the query share one.
        value: as `key`.
        attention_mask: None.
        scaling: of the products before the softmax.
        cu_seq_lens_q: where each example begins in the rows laid end to end, and last their end;
            int32[examples + 1]. Equal neighbours are examples of no tokens.
        max_length_q: tokens that no example exceeds.
        rest: is for other functions.

    Returns:
        [rows, width, heads, head], and no weights.
    """
    if cu_seq_lens_q is None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **rest
        )
        return found
    rows, _, width, _ = query.shape
    # Rotary embeddings may have widened query and key; the kernels take one type of 16 bits.
    flat = [part.transpose(1, 2).flatten(0, 1).to(value.dtype) for part in (query, key, value)]
    seen = varlen_attn(
        *flat,
        cu_seq_lens_q,
        cu_seq_lens_q,
        max_length_q,
        max_length_q,
        scale=scaling,
        window_size=_BEFORE,
        enable_gqa=True,
    )
    assert isinstance(seen, torch.Tensor)
    return seen.unflatten(0, (rows, width)), None


def _no_mask(*_: Any, **__: Any) -> None:
    return None


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, _no_mask)
