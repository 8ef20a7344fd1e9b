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

from train.finetune.attention import Attention
from train.finetune.batches import COLUMNS, IGNORED, lay_side_by_side
from train.finetune.group import Group
from train.finetune.operations import ByPyTorch, Operations
from train.finetune.packed import Example
from train.finetune.projection import Projection
from train.finetune.rows import Turns

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

    def __init__(
        self, model: Any, *, dtype: torch.dtype, operations: Operations | None = None
    ) -> None:
        """Take the weights of a PEFT model of a Llama; `dtype` is that of the products.

        `operations` compute what is done by element; None: PyTorch's.
        """
        base = model.get_base_model()
        self._dtype = dtype
        self._config = base.config
        self._rotary = base.model.rotary_emb
        self._embeddings = base.get_input_embeddings().weight.detach().float()
        self._head = (
            base.get_output_embeddings().weight.detach().float() * base.model.norm.weight.float()
        ).to(dtype)
        self._operations = operations or ByPyTorch(dtype)
        self._layers = [_Layer(layer, dtype, self._operations) for layer in base.model.layers]

    def merge(self) -> None:
        """Take the adapter's newest weights into the products; call it once a step."""
        for merge in self.merges():
            merge()

    def merges(self) -> list[Callable[[], None]]:
        """What `merge` calls, layer by layer, for threads to share."""
        return [layer.merge for layer in self._layers]

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What is trained, in the order of `gradient`."""
        return [p for layer in self._layers for p in layer.parameters]

    def loss(self, flat: Flat) -> torch.Tensor:
        """Sum of the negative log-likelihood of the answers' tokens, in nats; float32."""
        return functional.cross_entropy(self.logits(flat), flat.labels, reduction="sum")

    def logits(self, flat: Flat) -> torch.Tensor:
        """What is predicted for each label, float32[labels, vocabulary]."""
        return _Logits.apply(self, flat, *self.parameters)

    def gradient(self, flat: Flat) -> tuple[float, list[torch.Tensor]]:
        """The loss and its gradient by `parameters`, without PyTorch's record of what was done."""
        with torch.no_grad():
            logits, back = self.run(flat)
            likely = torch.log_softmax(logits, dim=-1)
            rows = torch.arange(len(flat.labels))
            loss = -float(likely[rows, flat.labels].sum())
            grad = likely.exp_()
            grad[rows, flat.labels] -= 1
            return loss, back(grad)

    def run(self, flat: Flat) -> tuple[torch.Tensor, "BackToAdapters"]:
        """`logits`, and the way back from their gradient to that of `parameters`."""
        ids, positions, kept = (_filled(x) for x in (flat.ids, flat.positions, flat.predicting))
        hidden = functional.embedding(ids, self._embeddings)
        cos, sin = (part[0].float() for part in self._rotary(hidden[None], positions[None]))
        turns = Turns(cos, sin, self._dtype)
        attention = Attention(self._operations, turns, flat.lengths, flat.buckets)
        epsilon = self._config.rms_norm_eps
        delta: torch.Tensor | None = None
        backs = []
        for number, layer in enumerate(self._layers, 1):
            is_last = number == len(self._layers)
            hidden, delta, back = layer.run(
                hidden, delta, attention, epsilon=epsilon, kept=kept if is_last else None
            )
            backs.append(back)
        _, last, norm_back = self._operations.norm(hidden, delta, epsilon)
        logits = functional.linear(last, self._head)[: len(flat.predicting)].float()

        def to_adapters(grad: torch.Tensor) -> list[torch.Tensor]:
            found: list[list[torch.Tensor]] = []
            grad = functional.pad(grad, (0, 0, 0, len(kept) - len(grad))).to(self._dtype)
            grad, low = norm_back(grad @ self._head, torch.zeros_like(hidden))
            for number in range(len(backs), 0, -1):
                grad, low, gradients = backs.pop()(grad, low, number > 1)
                found.append(gradients)
            return [g for gradients in reversed(found) for g in gradients]

        return logits, to_adapters


BackToAdapters = Callable[[torch.Tensor], list[torch.Tensor]]
_LayerBack = Callable[
    [torch.Tensor, torch.Tensor, bool], tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]
]
"""Out of the gradient of a layer's output, in float32 and in the precision of products: that of its
input, both ways, if it is asked for, and that of its adapters."""


class _Logits(torch.autograd.Function):
    """The whole pass as one step of PyTorch's record."""

    @staticmethod
    def forward(ctx: Any, lean: LeanLlama, flat: Flat, *_adapters: torch.Tensor) -> torch.Tensor:
        logits, ctx.back = lean.run(flat)
        return logits

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        with torch.no_grad():
            return None, None, *ctx.back(grad)


class _Layer:
    """One decoder layer: attention over the whole of each example, then the gated projections."""

    def __init__(self, layer: Any, dtype: torch.dtype, operations: Operations) -> None:
        self._operations = operations
        attention, gated = layer.self_attn, layer.mlp
        self._size = attention.head_dim
        self._shared = attention.config.num_key_value_heads
        self._into_attention = Group(
            [Projection.of(m) for m in (attention.q_proj, attention.k_proj, attention.v_proj)],
            scale=layer.input_layernorm.weight, dtype=dtype, operations=operations,
        )  # fmt: skip
        self._out_of_attention = Group(
            [Projection.of(attention.o_proj)], dtype=dtype, operations=operations
        )
        self._into_gate = Group(
            [Projection.of(gated.gate_proj), Projection.of(gated.up_proj)],
            scale=layer.post_attention_layernorm.weight, dtype=dtype, operations=operations,
        )  # fmt: skip
        self._out_of_gate = Group(
            [Projection.of(gated.down_proj)], dtype=dtype, operations=operations
        )

    @property
    def _groups(self) -> tuple[Group, ...]:
        return self._into_attention, self._out_of_attention, self._into_gate, self._out_of_gate

    @property
    def parameters(self) -> list[torch.Tensor]:
        """What is trained of the layer."""
        return [p for group in self._groups for p in group.parameters]

    def merge(self) -> None:
        for group in self._groups:
            group.merge()

    def run(
        self,
        hidden: torch.Tensor,
        delta: torch.Tensor | None,
        attention: Attention,
        *,
        epsilon: float,
        kept: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, _LayerBack]:
        """Hidden states and what is to be added to them, and the way back.

        The input is such a pair, too: the next norm adds in the same pass over the rows. With
        `kept` the result is that of these places only.
        """
        hidden, x, norm_back = self._operations.norm(hidden, delta, epsilon)
        # What the way back holds on to stays in memory: not the hidden states, only their number.
        count = len(hidden)
        heads = functional.linear(x, self._into_attention.weight).view(count, -1, self._size)
        seen, seen_back = attention.attend(heads, self._shared)
        seen = seen.flatten(1)
        middle = hidden
        if kept is not None:
            middle, seen = hidden[kept], seen[kept]
        middle, delta, gate_back = self._gate(
            middle, functional.linear(seen, self._out_of_attention.weight), epsilon
        )

        def back(
            grad: torch.Tensor, low: torch.Tensor, is_needed: bool
        ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
            grad, low, gated = gate_back(grad, low)
            found = [*self._out_of_attention.gradient(seen, low), *gated]
            into_seen = low @ self._out_of_attention.weight
            if kept is not None:
                into_seen = _put_back(into_seen, kept, count)
                grad = _put_back(grad, kept, count) if is_needed else grad
            into = seen_back(into_seen.view(count, -1, self._size)).flatten(1)
            found = [*self._into_attention.gradient(x, into), *found]
            if is_needed:
                grad, low = norm_back(into @ self._into_attention.weight, grad)
            return grad, low, found

        return middle, delta, back

    def _gate(
        self, middle: torch.Tensor, delta: torch.Tensor, epsilon: float
    ) -> tuple[torch.Tensor, torch.Tensor, Any]:
        middle, x, norm_back = self._operations.norm(middle, delta, epsilon)
        bent, bent_back = self._operations.swiglu(functional.linear(x, self._into_gate.weight))

        def back(
            grad: torch.Tensor, low: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
            down = self._out_of_gate.gradient(bent, low)
            into = bent_back(low @ self._out_of_gate.weight)
            up = self._into_gate.gradient(x, into)
            return *norm_back(into @ self._into_gate.weight, grad), [*up, *down]

        return middle, functional.linear(bent, self._out_of_gate.weight), back


def _put_back(rows: torch.Tensor, places: torch.Tensor, count: int) -> torch.Tensor:
    """Rows at their places among `count`, zeros elsewhere; equal places add up."""
    return rows.new_zeros(count, rows.shape[1]).index_add_(0, places, rows)


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
