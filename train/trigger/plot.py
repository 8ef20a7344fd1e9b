"""Cost against freshness as an SVG file that a page can show, in light and in dark."""

from collections.abc import Sequence
from html import escape

from deskwheel.console.charts import nice_ticks

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 44, 48
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}"
    ".line{fill:none;stroke:#1769aa;stroke-opacity:.4}.dot{fill:#1769aa}"
    "@media (prefers-color-scheme: dark){text{fill:#ddd}.grid{stroke:#444}"
    ".line{stroke:#7cc0ff}.dot{fill:#7cc0ff}}"
)


def cost_chart(points: Sequence[tuple[float, float, str]]) -> str:
    """One dot a policy: hours of training a year across, mean age in days up; near 0, 0 is best.

    Args:
        points: (hours a year, mean age in days, name).
    """
    title = "What a policy costs, and how old its examples are when they are trained on"
    across = nice_ticks(0.0, max((x for x, _, _ in points), default=1.0) or 1.0)
    up = nice_ticks(0.0, max((y for _, y, _ in points), default=1.0) or 1.0)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + x / across[-1] * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - y / up[-1] * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}"><style>{_STYLE}</style>',
        f'<text x="{_LEFT}" y="18">{escape(title)}</text>',
        f'<text x="8" y="{_TOP - 8}">mean age, days</text>',
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "hours of training a year</text>",
    ]
    for tick in up:
        y = place(0, tick)[1]
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in across:
        x = place(tick, 0)[0]
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 28}" text-anchor="middle">{tick:g}</text>')
    placed = [(*place(x, y), name) for x, y, name in sorted(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in placed)
    parts.append(f'<polyline class="line" points="{path}"/>')
    for x, y, name in placed:
        is_right = x > _WIDTH / 2
        anchor, shift = ("end", -8) if is_right else ("start", 8)
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
            f'<text x="{x + shift:.1f}" y="{y - 6:.1f}" text-anchor="{anchor}">'
            f"{escape(name)}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
