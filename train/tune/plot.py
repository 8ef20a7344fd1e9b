"""Loss on dev against steps as an SVG picture: a line a trial, crosses where one was stopped."""

from collections.abc import Sequence
from html import escape

from deskwheel.console.charts import nice_ticks
from train.tune.kept import Search, Trial, best_trial, ranked

_WIDTH, _HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 236, 44, 52
_MOST_NAMED = 18
_COLOURS = ("#1769aa", "#b3541e", "#2e7d32", "#7b1fa2", "#00838f", "#9e7a00")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}"
    "polyline{fill:none;stroke-width:1.5}.best{stroke-width:3.5}.stopped{stroke-dasharray:5 4}"
    "@media (prefers-color-scheme: dark){text{fill:#ddd}.grid{stroke:#444}}"
)


class _Scale:
    """Places of (step, loss) on the picture; what lies above it is at its upper edge."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        """A hopeless trial would press the others flat: the better half decides how high it is."""
        better = trials[: -(-len(trials) // 2)]
        losses = [loss for trial in better for _, loss in trial.points]
        self.steps = nice_ticks(0.0, max(step for t in trials for step, _ in t.points))
        self.losses = nice_ticks(min(losses), max(losses))

    def place(self, step: float, loss: float) -> tuple[float, float]:
        low, high = self.losses[0], self.losses[-1]
        up = (min(loss, high) - low) / (high - low)
        return (
            _LEFT + step / self.steps[-1] * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )


def losses_picture(search: Search) -> str:
    """The picture; a search without any look at dev has one that says so."""
    shown = sorted((t for t in ranked(search) if t.best), key=lambda t: min(p[1] for p in t.points))
    title = f"Loss on dev of {search.base_model}, nats a token; a cross: stopped"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}"><style>{_STYLE}</style>'
    ]
    if not shown:
        return parts[0] + '<text x="20" y="40">No trial looked at dev.</text></svg>\n'
    scale, best = _Scale(shown), best_trial(search)
    parts.append(f'<text x="{_LEFT}" y="22">{escape(title)}</text>')
    parts += _axes(scale)
    for place, trial in enumerate(shown):
        parts += _curve(trial, scale, place, is_best=trial is best)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(scale: _Scale) -> list[str]:
    parts = []
    for tick in scale.losses:
        y = scale.place(0, tick)[1]
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in scale.steps:
        x = scale.place(tick, scale.losses[0])[0]
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 32}" text-anchor="middle">{tick:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">steps</text>')
    return parts


def _curve(trial: Trial, scale: _Scale, place: int, *, is_best: bool) -> list[str]:
    colour = _COLOURS[place % len(_COLOURS)]
    kind = "best" if is_best else trial.end
    points = [scale.place(step, loss) for step, loss in trial.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline class="{kind}" stroke="{colour}" points="{path}"/>']
    x, y = points[-1]
    if trial.end == "finished":
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
    else:
        cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
        parts.append(f'<path class="cross" d="{cross}" stroke="{colour}" stroke-width="2"/>')
    if place < _MOST_NAMED:
        proposal, height = trial.proposal, _TOP + 18 * place + 10
        name = f"{proposal.number}: lr {proposal.lr:.1e}, r {proposal.lora_r}"
        name += f", batch {proposal.global_batch}"
        parts.append(
            f'<rect x="{_WIDTH - _RIGHT + 16}" y="{height - 9}" width="10" height="10"'
            f' fill="{colour}"/>'
            f'<text x="{_WIDTH - _RIGHT + 32}" y="{height}">{escape(name)}</text>'
        )
    return parts
