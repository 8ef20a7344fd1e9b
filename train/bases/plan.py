"""What is measured of each candidate: how many examples, sizes, steps, and for how long."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deskwheel.ids import digest
from deskwheel.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The same for every candidate, so that their numbers compare."""

    sizes: tuple[int, ...]
    """Examples of the micro fine-tunes, ascending."""
    steps: int
    """Optimizer steps of each of them."""
    examples: int
    """Held-out examples whose likelihood is measured."""
    answers: int
    """Held-out examples that are answered, and prompts that are timed."""
    shots: int
    """Examples before a few-shot prompt."""
    max_new_tokens: int
    timeout_s: float
    """After which a candidate is given up."""

    def sizes_for(self, train: int) -> tuple[int, ...]:
        """The sizes that a training set of so many examples has."""
        return tuple(size for size in self.sizes if size <= train)


TIMED_TOKENS = 32
"""Tokens of an answer that is timed."""

_OF_THE_MACHINE = ("runs_dir", "mlflow_uri", "ray_address", "ray_jobs_url", "workers")
"""Settings of training that change no number here."""


def cache_key(plan: Plan, train: TrainSettings, *, fingerprint: str, data: str, code: str) -> str:
    """Name of a candidate's result: another one as soon as anything that matters differs."""
    recipe = {k: v for k, v in asdict(train).items() if k not in _OF_THE_MACHINE}
    # The candidate's own fields: its fingerprint says them better.
    recipe |= {"base_model": "", "base_revision": "", "steps": 0}
    measured = {k: v for k, v in asdict(plan).items() if k != "timeout_s"}
    return digest(fingerprint, data, code, *_lines(recipe), *_lines(measured))[:32]


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{name}={values[name]!r}" for name in sorted(values)]
