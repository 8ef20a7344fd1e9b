"""Small charts as inline SVG, out of numbers; colours come from the page's style sheet.

Every label goes through `markupsafe`, so that text of any origin is safe. Reads and writes nothing.
"""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 440, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 10, 26
_TICKS = 4
_BAR_WIDTH, _BAR_HEIGHT = 120, 10


def line_chart(points: Sequence[Sequence[float | None]], *, label: str) -> Markup:
    """A line through (x, y) points with a few ticks; empty when there are fewer than two.

    Points without a value are left out.
    """
    kept = [(float(x), float(y)) for x, y in points if x is not None and y is not None]
    if len(kept) < 2:  # noqa: PLR2004 - one point makes no line
        return Markup("")
    xs, ys = [x for x, _ in kept], [y for _, y in kept]
    ticks = nice_ticks(min(0.0, *ys), max(ys))
    low, high = ticks[0], ticks[-1]
    span_x = (max(xs) - min(xs)) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - min(xs)) / span_x * (_WIDTH - _LEFT - _RIGHT)
        up = (y - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return _LEFT + across, _HEIGHT - _BOTTOM - up

    placed = [place(x, y) for x, y in kept]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    grid = Markup("").join(_grid_line(place(xs[0], tick)[1], tick) for tick in ticks)
    area = f"{_LEFT:.1f},{_HEIGHT - _BOTTOM:.1f} {path} {placed[-1][0]:.1f},{_HEIGHT - _BOTTOM:.1f}"
    first, last = (f"{int(x) if x.is_integer() else x:,}" for x in (xs[0], xs[-1]))
    return Markup(
        '<svg class="line" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{grid}'
        '<polygon class="area" points="{area}"/><polyline class="stroke" points="{path}"/>'
        '<circle class="dot" cx="{cx:.1f}" cy="{cy:.1f}" r="3.5"/>'
        '<text class="tick" x="{left}" y="{base}">{first}</text>'
        '<text class="tick end" x="{right}" y="{base}">step {last}</text></svg>'
    ).format(
        w=_WIDTH, h=_HEIGHT, label=label, grid=grid, area=area, path=path,
        cx=placed[-1][0], cy=placed[-1][1], left=_LEFT, right=_WIDTH - _RIGHT,
        base=_HEIGHT - 8, first=first, last=last,
    )  # fmt: skip


def bar(value: float, largest: float, *, tone: str = "plain") -> Markup:
    """One horizontal bar as long as its share of the largest; decoration beside a number."""
    share = max(0.0, min(1.0, value / largest)) if largest > 0 else 0.0
    width = max(1.5 if value > 0 else 0.0, share * _BAR_WIDTH)
    return Markup(
        '<svg class="bar" viewBox="0 0 {w} {h}" aria-hidden="true" preserveAspectRatio="none">'
        '<rect class="track" width="{w}" height="{h}" rx="2"/>'
        '<rect class="{tone}" width="{width:.1f}" height="{h}" rx="2"/></svg>'
    ).format(w=_BAR_WIDTH, h=_BAR_HEIGHT, tone=tone, width=width)


def share_bar(shares: Mapping[str, float], *, label: str) -> Markup:
    """Shares that add up to 1, as one bar in pieces; the keys are the tones."""
    pieces, left = Markup(""), 0.0
    for tone, share in shares.items():
        pieces += Markup('<rect class="{tone}" x="{x:.2f}" width="{w:.2f}" height="8"/>').format(
            tone=tone, x=left * 100, w=share * 100
        )
        left += share
    return Markup(
        '<svg class="share" viewBox="0 0 100 8" role="img" aria-label="{label}"'
        ' preserveAspectRatio="none">{pieces}</svg>'
    ).format(label=label, pieces=pieces)


def nice_ticks(low: float, high: float) -> list[float]:
    """A few round numbers from at most `low` to at least `high`.

    >>> nice_ticks(0, 7.3)
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    rough = (high - low) / _TICKS or 1.0
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]


def _grid_line(y: float, tick: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{x1}" x2="{x2}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="tick end" x="{x}" y="{text:.1f}">{tick:g}</text>'
    ).format(x1=_LEFT, x2=_WIDTH - _RIGHT, y=y, x=_LEFT - 8, text=y + 4, tick=tick)
