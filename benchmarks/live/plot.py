"""One line over a logarithmic axis as an SVG file that a page can show, in light and in dark."""

import math
from collections.abc import Sequence
from html import escape

from deskwheel.console.charts import nice_ticks

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 40, 48
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}"
    ".line{fill:none;stroke:#1769aa;stroke-width:2}.dot{fill:#1769aa}"
    "@media (prefers-color-scheme: dark){text{fill:#ddd}.grid{stroke:#444}"
    ".line{stroke:#7cc0ff}.dot{fill:#7cc0ff}}"
)


def log_line_chart(
    points: Sequence[tuple[float, float]], *, title: str, x_label: str, y_label: str
) -> str:
    """The points in order of x, which is above 0, joined by a line; y begins at 0.

    Raises:
        ValueError: there are fewer than two points.
    """
    if len(points) < 2:  # noqa: PLR2004  one point makes no line
        raise ValueError(f"{len(points)} points make no line")
    decades = math.floor(math.log10(points[0][0])), math.ceil(math.log10(points[-1][0]))
    ticks = nice_ticks(0.0, max(y for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - decades[0]) / max(decades[1] - decades[0], 1)
        up = y / ticks[-1]
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )

    placed = [place(x, y) for x, y in points]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}"><style>{_STYLE}</style>',
        f'<text x="{_LEFT}" y="20">{escape(title)}</text>',
    ]
    for tick in ticks:
        y = place(10.0 ** decades[0], tick)[1]
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}"'
                     f' y2="{y:.1f}"/>')  # fmt: skip
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for decade in range(decades[0], decades[1] + 1):
        x = place(10.0**decade, 0)[0]
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 28}" text-anchor="middle">'
                     f"{10**decade:,}</text>")  # fmt: skip
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
                 f"{escape(x_label)}</text>")  # fmt: skip
    parts.append(f'<text x="{_LEFT - 56}" y="{_TOP - 4}">{escape(y_label)}</text>')
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    parts.append(f'<polyline class="line" points="{path}"/>')
    parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in placed]
    return "\n".join([*parts, "</svg>"]) + "\n"
