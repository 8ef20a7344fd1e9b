"""The loss of a Llama with an adapter, computed with as little work as its gradient needs.

What it leaves out, against the model's own forward pass: padding (tokens of all examples lie in one
row, only attention is padded, to examples of like length), the adapter's extra products on the way
forward (weights are merged once a step), the gradient of frozen weights, and the last layer's
projections where no answer is predicted. The gradient is the same but for rounding. Reads and
writes no table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from train.finetune.batches import COLUMNS, IGNORED, lay_side_by_side
from train.finetune.ops import Group, Projection, attend, normed, projected, rotated, swiglu
from train.finetune.packed import Example

_MOST_PADDING = 1.3
"""Padded to real tokens in a bucket of attention, at most; fewer, larger calls beyond cost less."""
_BUCKET_TOKENS = 4096
_ROWS = 32
"""Rows of a product are filled up to a multiple: each new shape in bfloat16 costs a compilation."""


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
    return lay_rows(lay_side_by_side(examples))


def lay_rows(rows: Mapping[str, torch.Tensor]) -> Flat:
    """Packed sequences of `collate` as one row, without examples that nobody learns.

    `rows` has `input_ids`, `labels` and `position_ids`, int64[..., tokens].
    """
    ids, labels, positions = (rows[name].flatten() for name in COLUMNS)
    starts = (positions == 0).nonzero().flatten().tolist()
    spans = list(zip(starts, [*starts[1:], len(ids)], strict=True))
    learnt = [(a, b) for a, b in spans if bool((labels[a:b] != IGNORED).any())] or spans
    ordered = sorted(learnt, key=lambda span: span[1] - span[0])
    places = torch.cat([torch.arange(a, b) for a, b in ordered])
    labels = labels[places]
    predicting = (labels[1:] != IGNORED).nonzero().flatten()
    lengths = tuple(b - a for a, b in ordered)
    return Flat(
        ids=ids[places],
        positions=positions[places],
        predicting=predicting,
        labels=labels[predicting + 1],
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
        for merge in self.merges():
            merge()

    def merges(self) -> list[Callable[[], None]]:
        """What `merge` calls, layer by layer, for threads to share."""
        return [layer.merge for layer in self._layers]

    def loss(self, flat: Flat) -> torch.Tensor:
        """Sum of the negative log-likelihood of the answers' tokens, in nats; float32."""
        return functional.cross_entropy(self.logits(flat), flat.labels, reduction="sum")

    def logits(self, flat: Flat) -> torch.Tensor:
        """What is predicted for each label, float32[labels, vocabulary]."""
        ids, positions, kept = (_filled(x) for x in (flat.ids, flat.positions, flat.predicting))
        hidden = functional.embedding(ids, self._embeddings)
        turns = self._rotary(hidden[None], positions[None])
        cos, sin = (part[0, :, None].to(self._dtype) for part in turns)
        epsilon = self._config.rms_norm_eps
        for layer in self._layers[:-1]:
            hidden = layer.forward(hidden, flat, cos=cos, sin=sin, epsilon=epsilon)
        hidden = self._layers[-1].forward(
            hidden, flat, cos=cos, sin=sin, epsilon=epsilon, kept=kept
        )
        logits = functional.linear(normed(hidden, epsilon, self._dtype), self._head)
        return logits[: len(flat.predicting)].float()


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


def _filled(x: torch.Tensor) -> torch.Tensor:
    return functional.pad(x, (0, -len(x) % _ROWS))


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
