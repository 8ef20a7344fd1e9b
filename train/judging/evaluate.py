"""Scores of base, champion and challenger on the same frozen test examples.

Pure over models; reads and writes no table. Every model is scored now, never from memory, and
per example, so that the gate can tell conversations apart.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deskwheel.chat import Message
from deskwheel.settings import Settings
from train.data.training_set import ChatRow, choose_examples
from train.judging.metrics import (
    HIGHER_IS_BETTER,
    has_needless_apology,
    perplexity,
    rouge_l,
    token_f1,
)
from train.judging.scores import Score, Scored
from train.model import answer_nll, attach, generate, prompt_messages, render

BATCH = 16
"""Answers generated together; sorted by length, padding stays small."""


def evaluate_models(
    model: Any,
    tokenizer: Any,
    rows: Sequence[ChatRow],
    *,
    settings: Settings,
    champion_dir: Path | None,
) -> dict[str, Scored]:
    """Scores of the base without a prompt, the champion and the challenger, by name.

    Args:
        model: base with the challenger's adapter active; it is active again afterwards.
        tokenizer: of the base.
        rows: the test split; at most `gate.max_examples` are scored.
        settings: of the gate, and the prompt of the old bot.
        champion_dir: adapter of the champion; None means the old, prompt-engineered bot.
    """
    chosen = choose_examples(rows, settings.gate.max_examples)
    limit = settings.gate.max_new_tokens
    challenger_name = model.active_adapter
    scored = {"challenger": _score(model, tokenizer, chosen, limit=limit)}
    with model.disable_adapter():
        scored["base"] = _score(model, tokenizer, chosen, limit=limit)
        if champion_dir is None:
            prompt = settings.serve.system_prompt
            scored["champion"] = _score(model, tokenizer, chosen, limit=limit, prompt=prompt)
    if champion_dir is not None:
        attach(model, champion_dir, name="champion", tokenizer=tokenizer)
        scored["champion"] = _score(model, tokenizer, chosen, limit=limit)
        model.set_adapter(challenger_name)
        model.delete_adapter("champion")
    return scored


def _score(
    model: Any, tokenizer: Any, rows: Sequence[ChatRow], *, limit: int, prompt: str | None = None
) -> Scored:
    messages = [_messages(row, prompt) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].query) + len(rows[i].context))
    answers: dict[int, str] = {}
    likelihoods: dict[int, tuple[float, int]] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        prompts = [render(tokenizer, messages[i]) for i in batch]
        pairs = [(messages[i], rows[i].response) for i in batch]
        answers |= zip(
            batch, generate(tokenizer, model, prompts, max_new_tokens=limit), strict=True
        )
        likelihoods |= zip(batch, answer_nll(tokenizer, model, pairs), strict=True)
    texts = [answers[i] for i in range(len(rows))]
    nll = [likelihoods[i] for i in range(len(rows))]
    scores = tuple(map(_score_answer, rows, texts, nll))
    return Scored(scores=scores, answers=tuple(texts), summary=_summary(scores, nll))


def _messages(row: ChatRow, prompt: str | None) -> list[Message]:
    if prompt is None:
        return row.messages()
    return prompt_messages(prompt, row.messages()[0]["content"])


def _score_answer(row: ChatRow, answer: str, nll: tuple[float, int]) -> Score:
    values = {
        "rouge_l": rouge_l(row.response, answer),
        "token_f1": token_f1(row.response, answer),
        "needless_apology": float(has_needless_apology(row.response, answer)),
        "nll": nll[0] / nll[1],
    }
    return Score(
        example_id=row.example_id,
        conversation_id=row.conversation_id,
        values=values,
        category=row.category,
        month=row.month,
    )


def _summary(scores: Sequence[Score], nll: Sequence[tuple[float, int]]) -> dict[str, float]:
    if not scores:
        return {}
    means = {
        metric: sum(s.values[metric] for s in scores) / len(scores) for metric in HIGHER_IS_BETTER
    }
    sums, tokens = zip(*nll, strict=True)
    return {**means, "perplexity": perplexity(sums, tokens)}
