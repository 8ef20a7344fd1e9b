"""Ids of simulated things: drawn at random, or counted where none may ever come twice."""

import hashlib
import random
from collections.abc import Callable
from itertools import count

Namer = Callable[[str, int], str]
"""(prefix, bits) → a new id."""


def drawn(rng: random.Random) -> Namer:
    """Return a namer that draws; of n ids with b bits, two are alike with about n² / 2^(b+1)."""
    return lambda prefix, bits: f"{prefix}{rng.getrandbits(bits):0{bits // 4}x}"


def counted(seed: int) -> Namer:
    """Return a namer that never repeats itself, nor what a namer of another seed has given.

    At 500 events a second, drawn ids of 48 bits would repeat several times a day.
    """
    run, numbers = hashlib.sha256(f"run {seed}".encode()).hexdigest()[:12], count()
    return lambda prefix, _bits: f"{prefix}{run}{next(numbers):x}"
