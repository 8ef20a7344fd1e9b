"""A comparison as tables for a terminal."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from train.bases.comparison import Comparison, Entry

_GIB = 2**30
_NONE = "-"


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print what the candidates are, how they did, and the recommendation."""
    console.print(_facts(comparison))
    console.print(_results(comparison))
    for entry in comparison.entries:
        if entry.row.problem:
            console.print(f"{entry.row.name}: {entry.row.problem}", markup=False)
    name = comparison.recommendation.name
    console.print(f"Recommended: {name or 'none'}", markup=False, style="bold")
    for reason in comparison.recommendation.reasons:
        console.print(f"- {reason}", markup=False)
    console.print("Licences are sorted by name, which is no legal advice: read them.")


def _facts(comparison: Comparison) -> Table:
    table = Table(
        "base", "licence", "parameters", "on disk", "dtype", "context", "vocabulary",
        "tokens / 1,000 chars", "template",
    )  # fmt: skip
    for entry in comparison.entries:
        parts, candidate = entry.row.parts, entry.row.candidate
        facts, model = parts.get("facts", {}), parts.get("model", {})
        licence = candidate.licence if candidate else None
        table.add_row(
            entry.row.name,
            f"{licence.name or 'none'}: {licence.terms}" if licence else _NONE,
            _shown(model, "parameters", lambda n: f"{n / 1e6:,.1f} M"),
            f"{candidate.weights_bytes / _GIB:.2f} GiB" if candidate else _NONE,
            _shown(facts, "stored_dtype", str),
            _shown(facts, "context_tokens", lambda n: f"{n:,}"),
            _shown(facts, "vocabulary", lambda n: f"{n:,}"),
            _shown(facts, "tokens_per_1000_characters", lambda n: f"{n:.0f}"),
            _shown(facts, "has_chat_template", lambda has: "yes" if has else "no"),
        )
    return table


def _results(comparison: Comparison) -> Table:
    largest = max((size for e in comparison.entries for size, _ in e.points), default=0)
    table = Table(
        "base", "bits/byte zero-shot", "few-shot", f"tuned on {largest:,}",
        f"at {comparison.full_size:,}", "ROUGE-L", "token F1", "first token p50/p95",
        "token p50/p95", "1,000 chars", "memory", "front",
    )  # fmt: skip
    for entry in comparison.entries:
        parts = entry.row.parts
        scores, speed = parts.get("scores", {}), parts.get("speed", {})
        predicted = entry.prediction
        table.add_row(
            entry.row.name,
            _number(entry.zero_shot),
            _number(entry.few_shot),
            _number(dict(entry.points).get(largest)),
            f"{predicted.loss:.3f} ± {predicted.margin:.3f}" if predicted else _NONE,
            _shown(scores, "rouge_l", _number),
            _shown(scores, "token_f1", _number),
            _shown(speed, "first_token_s", _milliseconds),
            _shown(speed, "token_s", _milliseconds),
            f"{entry.answer_s:.2f} s" if entry.answer_s is not None else _NONE,
            _shown(speed, "peak_bytes", lambda n: f"{n / _GIB:.2f} GiB"),
            _front(entry, comparison),
        )
    return table


def _front(entry: Entry, comparison: Comparison) -> str:
    return "yes" if entry.row.name in comparison.front else ""


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _milliseconds(times: Mapping[str, float]) -> str:
    return f"{1000 * times['p50']:.1f}/{1000 * times['p95']:.1f} ms"


def _shown(values: Mapping[str, Any], name: str, text: Callable[[Any], str]) -> str:
    return text(values[name]) if name in values else _NONE
