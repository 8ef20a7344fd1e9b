"""Loss against size as an SVG picture: measured points, each candidate's curve, the prediction."""

import math
from collections.abc import Sequence
from html import escape

from deskwheel.console.charts import nice_ticks
from train.bases.comparison import Comparison, Entry

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 200, 44, 52
_COLOURS = ("#1769aa", "#b3541e", "#2e7d32", "#7b1fa2", "#00838f", "#9e7a00")
_STEPS = 60
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}"
    "@media (prefers-color-scheme: dark){text{fill:#ddd}.grid{stroke:#444}}"
)


class _Scale:
    """Places of (examples, bits a byte) on the picture; examples are logarithmic."""

    def __init__(self, sizes: Sequence[float], losses: Sequence[float]) -> None:
        self.first, self.last = min(sizes), max(*sizes, min(sizes) * 2)
        self.ticks = nice_ticks(min(losses), max(losses))

    def place(self, size: float, loss: float) -> tuple[float, float]:
        across = math.log(size / self.first) / math.log(self.last / self.first)
        low, high = self.ticks[0], self.ticks[-1]
        up = (loss - low) / (high - low)
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )


def curves_picture(comparison: Comparison) -> str:
    """The picture; what a curve says beyond the measured sizes is dashed.

    Candidates that were not fine-tuned are not in it; without any the picture says so.
    """
    shown = [e for e in comparison.entries if e.points]
    title = f"Bits a byte of held-out answers; dashed: predicted to {comparison.full_size:,}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}"><style>{_STYLE}</style>'
    ]
    if not shown:
        return parts[0] + '<text x="20" y="40">No candidate was fine-tuned.</text></svg>\n'
    scale = _scale(shown)
    parts.append(f'<text x="{_LEFT}" y="22">{escape(title)}</text>')
    parts += _axes(scale, shown)
    for number, entry in enumerate(shown):
        parts += _curve(entry, scale, number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _scale(shown: Sequence[Entry]) -> _Scale:
    predicted = [e.prediction for e in shown if e.prediction is not None]
    sizes = [size for e in shown for size, _ in e.points] + [p.at for p in predicted]
    losses = [loss for e in shown for _, loss in e.points]
    losses += [max(0.0, p.loss + sign * p.margin) for p in predicted for sign in (-1, 1)]
    return _Scale(sizes, losses)


def _axes(scale: _Scale, shown: Sequence[Entry]) -> list[str]:
    parts = []
    for tick in scale.ticks:
        y = scale.place(scale.first, tick)[1]
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    marks = {size for e in shown for size, _ in e.points}
    marks |= {e.prediction.at for e in shown if e.prediction is not None}
    for size in sorted(marks):
        x = scale.place(size, scale.ticks[0])[0]
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 32}" text-anchor="middle">{size:,}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">examples</text>')
    return parts


def _curve(entry: Entry, scale: _Scale, number: int) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    parts = []
    for size, loss in entry.points:
        x, y = scale.place(size, loss)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
    prediction = entry.prediction
    if prediction is not None:
        first, last = entry.points[0][0], entry.points[-1][0]
        parts.append(_line(entry, scale, (first, last), f'stroke="{colour}"'))
        if prediction.at > last:
            style = f'stroke="{colour}" stroke-dasharray="5 4"'
            parts.append(_line(entry, scale, (last, prediction.at), style))
        low = scale.place(prediction.at, max(0.0, prediction.loss - prediction.margin))
        high = scale.place(prediction.at, prediction.loss + prediction.margin)
        parts.append(
            f'<line x1="{low[0]:.1f}" x2="{high[0]:.1f}" y1="{low[1]:.1f}" y2="{high[1]:.1f}"'
            f' stroke="{colour}" stroke-width="2"/>'
        )
    y = _TOP + 18 * number + 10
    parts.append(f'<rect x="{_WIDTH - _RIGHT + 16}" y="{y - 9}" width="10" height="10"'
                 f' fill="{colour}"/>')  # fmt: skip
    parts.append(f'<text x="{_WIDTH - _RIGHT + 32}" y="{y}">{escape(entry.row.name[-24:])}</text>')
    return parts


def _line(entry: Entry, scale: _Scale, span: tuple[float, float], style: str) -> str:
    assert entry.prediction is not None
    law, (first, last) = entry.prediction.law, span
    sizes = [first * (last / first) ** (step / _STEPS) for step in range(_STEPS + 1)]
    places = (scale.place(size, law.loss(size)) for size in sizes)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline fill="none" stroke-width="2" {style} points="{path}"/>'
