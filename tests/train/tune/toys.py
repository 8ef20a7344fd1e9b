"""Toy trials and searches."""

from dataclasses import replace

from train.tune.kept import End, Search, Trial
from train.tune.space import Proposal


def proposal(number: int, **changes: object) -> Proposal:
    plain = Proposal(number=number, lr=1e-3, lora_r=8, global_batch=4, epochs=1.0)
    return replace(plain, **changes)


def trial(number: int, *losses: float, end: End = "finished", **changes: object) -> Trial:
    """A trial of 10 steps a look."""
    found = proposal(number, **changes)
    return Trial(
        proposal=found,
        recipe={
            "lr": found.lr,
            "lora_r": found.lora_r,
            "lora_alpha": 2 * found.lora_r,
            "steps": 40,
            "global_batch": found.global_batch,
        },
        points=tuple((10 * look, loss) for look, loss in enumerate(losses, start=1)),
        end=end,
    )


def search(*trials: Trial, **changes: object) -> Search:
    plain = Search(
        key="k" * 32,
        base_model="demo",
        method="lora",
        bucket=16,
        examples=18,
        snapshot_id="snap-1",
        recipe="r1",
        trials={t.proposal.number: t for t in trials},
        is_done=all(t.end != "running" for t in trials),
    )
    return replace(plain, **changes)
