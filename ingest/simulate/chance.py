"""Whether something happens this time: the simulator's one question to its generator."""

import random


def happens(rng: random.Random, share: float) -> bool:
    """Return True in about that share of the calls; at most 0 is never, 1 or more always."""
    return rng.random() < share
