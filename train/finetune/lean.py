"""The loss of a Llama with an adapter, computed with as little work as its gradient needs.

What it leaves out, against the model's own forward pass: padding (tokens of all examples lie in one
row, only attention is padded, to examples of like length), the adapter's extra products on the way
forward (weights are merged once a step), the gradient of frozen weights, and the last layer's
projections where no answer is predicted. The gradient is the same but for rounding. Reads and
writes no table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional

from train.finetune.batches import tokens_of
from train.finetune.ops import Group, Projection, attend, normed, projected, rotated, swiglu
from train.finetune.packed import Example

_MOST_PADDING = 1.3
"""Padded to real tokens in a bucket of attention, at most; fewer, larger calls beyond cost less."""
_BUCKET_TOKENS = 4096


@dataclass(frozen=True, kw_only=True)
class Flat:
    """Examples as rows of tokens, laid end to end in order of their length.

    `ids`, `positions`: int64[tokens]. `predicting`: int64[labels], the places whose next token is
    an answer's; `labels`: int64[labels], those tokens.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    predicting: torch.Tensor
    labels: torch.Tensor
    lengths: tuple[int, ...]
    buckets: tuple[tuple[int, int], ...]
    """Ranges of examples whose attention is computed together."""


def lay_out(examples: Sequence[Example]) -> Flat:
    """Some examples as one row without padding; the order of the arguments does not matter."""
    ordered = sorted(examples, key=lambda e: len(e.ids))
    lengths = tuple(len(e.ids) for e in ordered)
    starts = [0, *accumulate(lengths)]
    predicting, labels = [], []
    for start, example in zip(starts, ordered, strict=False):
        places = torch.arange(max(example.prompt_tokens, 1), len(example.ids))
        predicting.append(start + places - 1)
        labels.append(tokens_of(example)[max(example.prompt_tokens, 1) :])
    return Flat(
        ids=torch.cat([tokens_of(e) for e in ordered]),
        positions=torch.cat([torch.arange(n) for n in lengths]),
        predicting=torch.cat(predicting),
        labels=torch.cat(labels),
        lengths=lengths,
        buckets=tuple(_buckets(lengths)),
    )


class LeanLlama:
    """A Llama under a PEFT adapter whose loss and gradient are computed by hand.

    Holds the same adapter tensors as the model, so an optimizer over either trains both.
    """

    def __init__(self, model: Any, *, dtype: torch.dtype) -> None:
        """Take the weights of a PEFT model of a Llama; `dtype` is that of the products."""
        base = model.get_base_model()
        self._dtype = dtype
        self._config = base.config
        self._rotary = base.model.rotary_emb
        self._embeddings = base.get_input_embeddings().weight.detach().float()
        self._head = (
            base.get_output_embeddings().weight.detach().float() * base.model.norm.weight.float()
        ).to(dtype)
        self._layers = [_Layer(layer, dtype) for layer in base.model.layers]

    def merge(self) -> None:
        """Take the adapter's newest weights into the products; call it once a step."""
        for layer in self._layers:
            layer.merge()

    def loss(self, flat: Flat) -> torch.Tensor:
        """Sum of the negative log-likelihood of the answers' tokens, in nats; float32."""
        hidden = functional.embedding(flat.ids, self._embeddings)
        turns = self._rotary(hidden[None], flat.positions[None])
        cos, sin = (part[0, :, None].to(self._dtype) for part in turns)
        epsilon = self._config.rms_norm_eps
        for layer in self._layers[:-1]:
            hidden = layer.forward(hidden, flat, cos=cos, sin=sin, epsilon=epsilon)
        hidden = self._layers[-1].forward(
            hidden, flat, cos=cos, sin=sin, epsilon=epsilon, kept=flat.predicting
        )
        logits = functional.linear(normed(hidden, epsilon, self._dtype), self._head)
        return functional.cross_entropy(logits.float(), flat.labels, reduction="sum")


class _Layer:
    """One decoder layer: attention over the whole of each example, then the gated projections."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        attention, gated = layer.self_attn, layer.mlp
        self._size = attention.head_dim
        self._heads = attention.config.num_attention_heads
        self._shared = attention.config.num_key_value_heads
        self._into_attention = Group(
            [Projection.of(m) for m in (attention.q_proj, attention.k_proj, attention.v_proj)],
            scale=layer.input_layernorm.weight, dtype=dtype,
        )  # fmt: skip
        self._out_of_attention = Group([Projection.of(attention.o_proj)], dtype=dtype)
        self._into_gate = Group(
            [Projection.of(gated.gate_proj), Projection.of(gated.up_proj)],
            scale=layer.post_attention_layernorm.weight, dtype=dtype,
        )  # fmt: skip
        self._out_of_gate = Group([Projection.of(gated.down_proj)], dtype=dtype)
        self._dtype = dtype

    def merge(self) -> None:
        for group in (
            self._into_attention,
            self._out_of_attention,
            self._into_gate,
            self._out_of_gate,
        ):
            group.merge()

    def forward(
        self,
        hidden: torch.Tensor,
        flat: Flat,
        *,
        cos: torch.Tensor,
        sin: torch.Tensor,
        epsilon: float,
        kept: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The next hidden states, of the places `kept` only where it is given."""
        heads = projected(normed(hidden, epsilon, self._dtype), self._into_attention)
        heads = heads.view(len(hidden), self._heads + 2 * self._shared, self._size)
        turned = rotated(heads, self._heads + self._shared, cos, sin)
        seen = attend(turned, self._shared, flat.lengths, flat.buckets).flatten(1)
        if kept is not None:
            hidden, seen = hidden[kept], seen[kept]
        hidden = hidden + projected(seen, self._out_of_attention)
        gate = projected(normed(hidden, epsilon, self._dtype), self._into_gate)
        return hidden + projected(swiglu(gate), self._out_of_gate)


def _buckets(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring ranges of ascending lengths, each with little padding and a bounded size."""
    found: list[tuple[int, int]] = []
    start, real = 0, 0
    for end, length in enumerate(lengths):
        padded = length * (end + 1 - start)
        is_wasteful = padded > _MOST_PADDING * (real + length) or padded > _BUCKET_TOKENS
        if end > start and is_wasteful:
            found.append((start, end))
            start, real = end, 0
        real += length
    return [*found, (start, len(lengths))]
