"""What a search tries, and what its result is known by. Pure.

Trials are the points of a sequence that a seed fixes: the same command proposes the same ones, and
more of them begin with the fewer.
"""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from deskwheel.errors import ConfigError
from deskwheel.ids import digest
from deskwheel.settings import Settings, TrainSettings, TuneSettings

VERSION = "1"
"""Of this file: with another one, what is known does not count any more."""

GRID_KEYS = ("lr", "lora_r", "epochs", "global_batch")
_PRIMES = (2, 3, 5, 7)
_RANGES = (
    "max_steps", "min_lr", "max_lr", "min_rank", "max_rank", "min_epochs", "max_epochs",
    "min_batch", "max_batch",
)  # fmt: skip
_SEARCHED = ("lr", "lora_r", "lora_alpha", "steps", "global_batch", "batch_size", "accumulation")
_OF_THE_RUN = (
    "runs_dir", "mlflow_uri", "ray_address", "ray_jobs_url", "workers", "min_workers", "threads",
    "checkpoint_steps", "checkpoints", "patience", "min_delta", "use_tuned",
    "continual", "replay_share", "watts", "pue", "price_per_hour",
)  # fmt: skip
"""Settings of training that change nothing in a trial."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One combination to try."""

    number: int
    """From 1, in the order of the sequence."""
    lr: float
    lora_r: int
    global_batch: int
    epochs: float | None
    """How often the train split is read; None leaves `train.steps`."""


def propose_trials(tune: TuneSettings, count: int, *, seed: int) -> list[Proposal]:
    """The first `count` points of a Halton sequence that a seed has shifted, within the ranges.

    Few points lie more evenly than independent ones would. Learning rate and epochs are spread by
    their logarithm, rank and batch are powers of two.

    Source: Halton 1960; Cranley and Patterson 1976 (the shift); Bergstra and Bengio 2012, "Random
    Search for Hyper-Parameter Optimization", section 5 (such sequences for this purpose).

    Raises:
        ConfigError: a range is empty.
    """
    ranks = _powers(tune.min_rank, tune.max_rank, "rank")
    batches = _powers(tune.min_batch, tune.max_batch, "batch")
    chance = random.Random(seed)
    shifts = [chance.random() for _ in _PRIMES]
    found = []
    for number in range(1, count + 1):
        lr, rank, epochs, batch = (
            (_radical_inverse(number, prime) + shift) % 1.0
            for prime, shift in zip(_PRIMES, shifts, strict=True)
        )
        found.append(
            Proposal(
                number=number,
                lr=_between(tune.min_lr, tune.max_lr, lr, "lr"),
                lora_r=ranks[int(rank * len(ranks))],
                global_batch=batches[int(batch * len(batches))],
                epochs=_between(tune.min_epochs, tune.max_epochs, epochs, "epochs"),
            )
        )
    return found


def propose_grid(train: TrainSettings, grid: Mapping[str, Sequence[float]]) -> list[Proposal]:
    """All combinations of a grid's values; what it does not name is as in the settings.

    >>> found = propose_grid(TrainSettings(), {"lr": (1e-4, 1e-3), "lora_r": (8,)})
    >>> [(p.lr, p.lora_r, p.global_batch, p.epochs) for p in found]
    [(0.0001, 8, 2, None), (0.001, 8, 2, None)]
    """
    plain = train.batch_size * train.accumulation * train.workers
    first = Proposal(
        number=1,
        lr=train.lr,
        lora_r=train.lora_r,
        global_batch=train.global_batch or plain,
        epochs=None,
    )
    found = []
    for number, values in enumerate(itertools.product(*grid.values()), start=1):
        named: dict[str, Any] = dict(zip(grid, values, strict=True))
        found.append(replace(first, number=number, **named))
    return found


def parse_grid(entries: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The values by key of `--grid KEY=V,V`, in the order of `GRID_KEYS`.

    Raises:
        ConfigError: a key is not searched, or a value is no number above 0.
    """
    found = {}
    for entry in entries:
        key, _, values = entry.partition("=")
        if key not in GRID_KEYS:
            raise ConfigError(f"--grid {entry}: {key!r} is none of {', '.join(GRID_KEYS)}")
        kind = int if key in ("lora_r", "global_batch") else float
        try:
            numbers = tuple(dict.fromkeys(kind(value) for value in values.split(",")))
        except ValueError as error:
            raise ConfigError(f"--grid {entry}: {error}; write lr=1e-4,1e-3") from error
        if not all(math.isfinite(n) and n > 0 for n in numbers):
            raise ConfigError(f"--grid {entry}: values must be above 0")
        found[key] = numbers
    return {key: found[key] for key in GRID_KEYS if key in found}


def recipe_of(proposal: Proposal, settings: Settings, *, sequences: int) -> dict[str, Any]:
    """What a trial changes in `[train]`.

    The adapter's scale keeps its ratio to the rank, so that ranks compare at one learning rate.
    A trial never stops by itself: it looks at dev, and the scheduler judges.
    Source: Hu et al. 2021, LoRA, section 4.1 (alpha over r).

    Args:
        proposal: what to try.
        settings: of the pipeline.
        sequences: packed sequences of the train split, once read.
    """
    train, tune = settings.train, settings.tune
    steps = train.steps
    if proposal.epochs is not None:
        steps = max(1, round(proposal.epochs * sequences / proposal.global_batch))
    steps = min(steps, tune.max_steps)
    return {
        "lr": proposal.lr,
        "lora_r": proposal.lora_r,
        "lora_alpha": max(1, round(proposal.lora_r * train.lora_alpha / train.lora_r)),
        "steps": steps,
        "global_batch": proposal.global_batch,
        "workers": 1,
        "min_workers": 0,
        "checkpoint_steps": -(-steps // tune.looks),
        "patience": tune.looks + 1,
    }


def size_bucket(examples: int) -> int:
    """The power of two that an amount of examples reaches.

    >>> [size_bucket(n) for n in (1, 3, 4, 1000, 1024)]
    [1, 2, 4, 512, 1024]
    """
    return 1 << (max(1, examples).bit_length() - 1)


def search_key(
    settings: Settings, *, base: str, examples: int, grid: Sequence[Proposal] = ()
) -> str:
    """What a search's result is known by: base, amount of data, method, and what was tried.

    Args:
        settings: method and ranges.
        base: fingerprint of the base model.
        examples: of the train split; only their bucket counts.
        grid: what was tried in place of the ranges.
    """
    train, tune = settings.train, asdict(settings.tune)
    if grid:
        tried = [f"{tune['max_steps']} {train.steps}", *(repr(proposal) for proposal in grid)]
    else:
        tried = [f"{name}={tune[name]!r}" for name in _RANGES]
    parts = (base, str(size_bucket(examples)), train.method, str(train.max_length))
    return digest(VERSION, *parts, *tried)[:32]


def recipe_digest(settings: Settings, *, snapshot_id: str) -> str:
    """Equal for two searches whose losses compare: same data, and all else of a trial alike."""
    train = {
        key: value
        for key, value in asdict(settings.train).items()
        if key not in _SEARCHED and key not in _OF_THE_RUN
    }
    ratio = settings.train.lora_alpha / settings.train.lora_r
    looks = settings.tune.looks
    return digest(snapshot_id, repr(sorted(train.items())), repr(ratio), repr(looks))[:32]


def _radical_inverse(number: int, base: int) -> float:
    """The digits of a number in a base, mirrored at the point: 0 to below 1."""
    share, found = 1.0, 0.0
    while number:
        share /= base
        number, rest = divmod(number, base)
        found += rest * share
    return found


def _between(low: float, high: float, share: float, name: str) -> float:
    """The number at a share of the way by logarithms, to three digits."""
    if low > high:
        raise ConfigError(f"tune.min_{name}={low:g} is above tune.max_{name}={high:g}; swap them")
    return float(f"{low * (high / low) ** share:.3g}")


def _powers(low: int, high: int, name: str) -> list[int]:
    found = [1 << k for k in range(high.bit_length()) if low <= 1 << k <= high]
    if not found:
        raise ConfigError(
            f"no power of two from tune.min_{name}={low} to tune.max_{name}={high}; widen the range"
        )
    return found
