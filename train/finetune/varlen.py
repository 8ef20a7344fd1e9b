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
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface

ATTENTION = "deskwheel_varlen"
_BEFORE = (-1, 0)
"""Attention to everything before and nothing after."""


@contextmanager
def attending_by_length(model: Any) -> Iterator[None]:
    """The base model attends by the lengths that `collate` adds; afterwards as it did before.

    By PyTorch's FlashAttention: left to choose, it takes cuDNN on Hopper, which nobody has held
    against a mask here.
    """
    own = model.config._attn_implementation  # noqa: SLF001  no public way to ask
    model.set_attn_implementation(ATTENTION)
    try:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            yield
    finally:
        model.set_attn_implementation(own)


def attend(
    _: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    __: torch.Tensor | None,
    *,
    cu_seq_lens_q: torch.Tensor,
    max_length_q: int,
    scaling: float | None = None,
    **___: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers asks of an attention function; without lengths it is a TypeError.

    Args:
        query: [rows, heads, width, head].
        key: [rows, key heads, width, head]; several heads of the query share one.
        value: as `key`.
        cu_seq_lens_q: where each example begins in the rows laid end to end, and last their end;
            int32[examples + 1]. Equal neighbours are examples of no tokens.
        max_length_q: tokens that no example exceeds.
        scaling: of the products before the softmax.

    Returns:
        [rows, width, heads, head], and no weights.
    """
    rows, _heads, width, _head = query.shape
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


def _no_mask(*_: Any, attention_mask: torch.Tensor | None = None, **__: Any) -> None:
    if attention_mask is not None:
        raise TypeError("attention by length takes no attention mask; rows are filled by `collate`")


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, _no_mask)
