"""The page of the console and of a written report, out of the facts of `deskwheel.console.facts`.

Jinja escapes every value; the page loads nothing from anywhere. Reads and writes no table or topic.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from deskwheel.console.charts import bar, line_chart, share_bar
from deskwheel.console.facts import digest_of
from deskwheel.pages import templates
from deskwheel.progress import duration

MODELS = ("base", "champion", "challenger")
_METRICS = {
    "rouge_l": "ROUGE-L",
    "token_f1": "Token F1",
    "chrf": "chrF",
    "needless_apology": "Needless apologies",
    "nll": "Loss a token (nats)",
    "perplexity": "Perplexity",
    "bits_per_byte": "Bits per byte",
}
_LOWER_IS_BETTER = frozenset({"needless_apology", "nll", "perplexity", "bits_per_byte"})
_DETAILS_SHOWN = 6
_SMALL = 10
_THOUSAND = 1000


def render_page(facts: Mapping[str, Any], *, nonce: str | None = None) -> str:
    """The whole page as HTML.

    Args:
        facts: what `snapshot_of` returned.
        nonce: allows the script that keeps the page fresh (console); None leaves it out (file).
    """
    template = _environment().get_template("page.html")
    return template.render(
        facts=facts,
        scores=score_rows(facts.get("evaluation")),
        nonce=nonce,
        digest=digest_of(facts),
    )


def score_rows(evaluation: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One row a metric: title, direction, and each model's value, models in their usual order."""
    scores = (evaluation or {}).get("scores", {})
    found = {metric for values in scores.values() for metric in values}
    names = [m for m in _METRICS if m in found] + sorted(found - set(_METRICS))
    models = [m for m in MODELS if m in scores] + sorted(set(scores) - set(MODELS))
    rows = []
    for name in names:
        values = [(m, float(scores[m][name])) for m in models if scores[m].get(name) is not None]
        if not values:
            continue
        rows.append(
            {
                "title": _METRICS.get(name, name.replace("_", " ")),
                "hint": "lower is better" if name in _LOWER_IS_BETTER else "higher is better",
                "values": values,
                "largest": max(abs(value) for _, value in values),
            }
        )
    return rows


def number(value: Any) -> str:
    """A number for people: thousands separated, and no more digits than it deserves.

    >>> number(12480), number(0.41732), number(1413.2), number(None)
    ('12,480', '0.417', '1,413', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < _SMALL else f"{value:.1f}"


def share(part: float, whole: float) -> str:
    """A share in per cent; a dash when there is nothing to share.

    >>> share(32, 1000), share(1, 0)
    ('3.2 %', '–')
    """
    return f"{100 * part / whole:.1f} %" if whole else "–"


def clock(moment: Any, *, with_date: bool = False) -> str:
    """Time of day, after the date if wanted, of an ISO 8601 text; the text itself if it is none."""
    try:
        form = "%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S"
        return datetime.fromisoformat(str(moment)).strftime(form)
    except ValueError:
        return str(moment)


def detail(value: Mapping[str, Any] | None) -> str:
    """A short sentence out of the detail of a timeline entry: its reason, else its few values."""
    if not value:
        return ""
    told = value.get("reason") or value.get("reasons") or value.get("why")
    if told:
        return told if isinstance(told, str) else "; ".join(str(part) for part in told)
    plain = {k: v for k, v in value.items() if isinstance(v, str | int | float) and v != ""}
    pairs = [f"{k.replace('_', ' ')} {number(v)}" for k, v in list(plain.items())[:_DETAILS_SHOWN]]
    return ", ".join(pairs)


def tone(word: Any) -> str:
    """The colour class of a phase, a verdict or a kind of entry."""
    key = str(word).lower()
    good = {
        "balanced", "done", "fired", "promote", "promoted", "ready", "repaired", "served",
        "trained", "valid",
    }  # fmt: skip
    bad = {
        "batch_stopped", "cancelled", "failed", "quarantine_spike", "reject", "rejected",
        "rolled_back", "unbalanced",
    }  # fmt: skip
    wait = {
        "backoff", "hold", "held", "starting", "waiting", "cooling_down", "over_budget", "paused",
        "quiet_hours", "repair_skipped", "suite_warning",
    }  # fmt: skip
    for name, words in (("good", good), ("bad", bad), ("wait", wait)):
        if key in words:
            return name
    return "calm"


@cache
def _environment() -> Environment:
    functions: dict[str, Callable[..., str]] = {
        "bar": bar,
        "line_chart": line_chart,
        "share_bar": share_bar,
        "share": share,
    }
    environment = templates(Path(__file__).parent, functions)
    environment.filters.update(
        number=number, clock=clock, detail=detail, tone=tone, duration=duration
    )
    return environment
