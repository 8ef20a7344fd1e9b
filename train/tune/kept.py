"""What is known of a search: its trials with their losses on dev, in the state database.

Reads and writes the state document `tuned`, one a search; written after each trial, so that a
search that was killed goes on with the trials that are missing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from deskwheel.state import State
from train.tune.space import Proposal

KIND = "tuned"

End = Literal["running", "finished", "stopped", "diverged", "failed"]
TUNED_KEYS = ("lr", "lora_r", "lora_alpha", "steps", "global_batch")
"""Settings of `[train]` that a search finds."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One combination, and how well dev was learnt with it."""

    proposal: Proposal
    recipe: Mapping[str, Any]
    """What it changes in `[train]`."""
    points: tuple[tuple[int, float], ...] = ()
    """(step, loss on dev in nats a token), ascending."""
    end: End = "running"
    """`stopped`: by the scheduler, because others were better at the same share of their steps."""
    problem: str = ""
    """Why it has diverged or failed."""
    seconds: float = 0.0

    @property
    def best(self) -> tuple[int, float] | None:
        """(step, loss) of the lowest loss; None before the first look at dev."""
        return min(self.points, key=lambda p: p[1], default=None)


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search and its trials, by their number."""

    key: str
    base_model: str
    method: str
    bucket: int
    """Examples of its data, as a power of two."""
    examples: int
    snapshot_id: str
    recipe: str
    """`train.tune.space.recipe_digest`: trials of another one do not compare."""
    trials: Mapping[int, Trial] = field(default_factory=dict)
    is_done: bool = False
    mlflow_run: str = ""
    """Its run of MLflow; empty until it was logged."""


def best_trial(search: Search) -> Trial | None:
    """The finished trial with the lowest loss on dev; None where none came to its end.

    A stopped one says nothing of the steps that it has not done.
    """
    finished = [t for t in search.trials.values() if t.end == "finished" and t.best]
    return min(finished, key=_lowest, default=None)


def ranked(search: Search) -> list[Trial]:
    """Trials, the best first; those that came to no number last."""
    order = ("finished", "stopped", "running", "diverged", "failed")
    return sorted(
        search.trials.values(), key=lambda t: (order.index(t.end), _lowest(t), t.proposal.number)
    )


def tuned_values(trial: Trial) -> dict[str, Any]:
    """What a trial says of `[train]`, as a run takes it."""
    return {key: trial.recipe[key] for key in TUNED_KEYS}


def set_options(trial: Trial) -> list[str]:
    """The same as options of a command line."""
    return [f"--set train.{key}={value}" for key, value in tuned_values(trial).items()]


def missing(search: Search | None, proposals: Sequence[Proposal], *, recipe: str) -> list[Proposal]:
    """Proposals that no trial of the same recipe has answered yet.

    A trial that failed is tried again; one that diverged would do so again.
    """
    if search is None or search.recipe != recipe:
        return list(proposals)
    answered = {
        trial.proposal
        for trial in search.trials.values()
        if trial.end in ("finished", "stopped", "diverged")
    }
    return [proposal for proposal in proposals if proposal not in answered]


def read_search(state: State, key: str) -> Search | None:
    """What is known under a key."""
    found = state.get(KIND, key)
    return None if found is None else search_of(found[0])


def write_search(state: State, search: Search) -> None:
    """Store it; the last writer wins."""
    state.put(KIND, search.key, to_plain(search))


def to_plain(search: Search) -> dict[str, Any]:
    """A search as JSON has it."""
    body = asdict(search)
    body["trials"] = [asdict(trial) for _, trial in sorted(search.trials.items())]
    return body


def search_of(body: Mapping[str, Any]) -> Search:
    """The inverse of `to_plain`."""
    trials = {}
    for plain in body["trials"]:
        proposal = Proposal(**plain["proposal"])
        points = tuple((int(step), float(loss)) for step, loss in plain["points"])
        trials[proposal.number] = Trial(**{**plain, "proposal": proposal, "points": points})
    return Search(**{**body, "trials": trials})


def _lowest(trial: Trial) -> float:
    return math.inf if trial.best is None else trial.best[1]
