"""How well a model predicts and writes held-out answers, in units that compare across tokenizers.

Pure over models; reads and writes no table.
"""

import math
from collections.abc import Sequence
from typing import Any

from deskwheel.chat import Message, assistant_message
from train.data.training_set import ChatRow
from train.judging.metrics import rouge_l, token_f1
from train.model import answer_nll, encode_pair, generate, render

_LOGITS = 2**28
"""Most logits (rows x tokens x vocabulary) of a batch: 1 GiB in float32."""

_MOST_ROWS = 16


def bits_per_byte(nll: Sequence[float], texts: Sequence[str]) -> float:
    """Bits a model needs for a byte of text: summed nats / ln 2 / UTF-8 bytes.

    A loss a token flatters tokenizers with short tokens; a byte is the same for all.
    Source: Gao et al., "The Pile" (2020), section 3.1.

    >>> round(bits_per_byte([math.log(2) * 8], ["é"]), 6)
    4.0
    """
    return math.fsum(nll) / math.log(2) / max(1, sum(map(byte_length, texts)))


def byte_length(text: str) -> int:
    """UTF-8 bytes of a text."""
    return len(text.encode("utf-8", "surrogatepass"))


def answer_nlls(
    tokenizer: Any,
    model: Any,
    rows: Sequence[ChatRow],
    *,
    shots: Sequence[ChatRow] = (),
) -> list[float]:
    """Nats of each row's answer after its prompt, end of turn included, in the rows' order.

    The mark that ends the answer is what a model has to produce to stop; its bytes do not count.

    Args:
        tokenizer: with a chat template.
        model: base or adapter.
        rows: held-out examples.
        shots: examples that stand before each prompt, as turns of the same conversation.
    """
    pairs = [([*shot_messages(shots), *row.messages()], row.response) for row in rows]
    lengths = [len(encode_pair(tokenizer, messages, answer)[0]) for messages, answer in pairs]
    vocabulary = len(tokenizer)
    order = sorted(range(len(rows)), key=lengths.__getitem__)
    found: dict[int, float] = {}
    while order:
        # The longest first: what fits then fits for the rest, and memory peaks at once.
        width = lengths[order[-1]]
        count = min(_MOST_ROWS, max(1, _LOGITS // (width * vocabulary)))
        batch = order[-count:]
        del order[-count:]
        answers = answer_nll(tokenizer, model, [pairs[i] for i in batch])
        found |= {i: answer[0] for i, answer in zip(batch, answers, strict=True)}
    return [found[i] for i in range(len(rows))]


def answer_scores(
    tokenizer: Any,
    model: Any,
    rows: Sequence[ChatRow],
    *,
    shots: Sequence[ChatRow],
    max_new_tokens: int,
) -> dict[str, float]:
    """Mean ROUGE-L and token F1 of greedy answers to few-shot prompts."""
    order = sorted(rows, key=lambda r: len(r.query) + len(r.context))
    answers: list[str] = []
    for start in range(0, len(order), _MOST_ROWS):
        prompts = [
            render(tokenizer, [*shot_messages(shots), *row.messages()])
            for row in order[start : start + _MOST_ROWS]
        ]
        answers += generate(tokenizer, model, prompts, max_new_tokens=max_new_tokens)
    pairs = list(zip((row.response for row in order), answers, strict=True))
    return {
        "rouge_l": math.fsum(rouge_l(*pair) for pair in pairs) / len(pairs),
        "token_f1": math.fsum(token_f1(*pair) for pair in pairs) / len(pairs),
    }


def shot_messages(shots: Sequence[ChatRow]) -> list[Message]:
    """Examples as earlier turns of a conversation."""
    return [
        message for row in shots for message in (*row.messages(), assistant_message(row.response))
    ]


def fitting_shots(
    tokenizer: Any, rows: Sequence[ChatRow], shots: Sequence[ChatRow], *, limit: int
) -> list[ChatRow]:
    """As many of the first shots as keep each row's prompt and answer within a limit of tokens."""
    kept = list(shots)
    while kept:
        longest = max(rows, key=lambda r: len(r.query) + len(r.context) + len(r.response))
        messages = [*shot_messages(kept), *longest.messages()]
        if len(encode_pair(tokenizer, messages, longest.response)[0]) <= limit:
            break
        kept.pop()
    return kept
