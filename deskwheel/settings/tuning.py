"""Settings of a search for the settings of a fine-tune."""

from dataclasses import dataclass

from deskwheel.settings.fields import bounded


@dataclass(frozen=True)
class TuneSettings:
    """A search for the settings of a fine-tune."""

    trials: int = bounded(8, 1, 1000, "Trials of a search.")
    parallel: int = bounded(2, 1, 1000, "Trials at once, as far as the cluster has room for them.")
    max_steps: int = bounded(180, 1, 1_000_000, "Most optimizer steps of a trial.")
    looks: int = bounded(8, 1, 100, "Looks at dev a trial, evenly over its steps.")
    grace_share: float = bounded(
        0.25, 0.01, 1, "Share of its steps that each trial does before it may be stopped."
    )
    reduction: float = bounded(
        2.0, 1.1, 100, "Of the trials that have come as far, about one in so many goes on."
    )
    min_lr: float = bounded(5e-5, 1e-7, 1.0, "Least peak learning rate that is tried.")
    max_lr: float = bounded(1e-2, 1e-7, 1.0, "Greatest one.")
    min_rank: int = bounded(4, 1, 512, "Least rank of an adapter; powers of two are tried.")
    max_rank: int = bounded(32, 1, 512, "Greatest one.")
    min_epochs: float = bounded(0.5, 0.01, 1000, "Fewest times that the train split is read.")
    max_epochs: float = bounded(4.0, 0.01, 1000, "Most times; `tune.max_steps` ends it earlier.")
    min_batch: int = bounded(
        2, 1, 65_536, "Fewest packed sequences a step over all workers; powers of two are tried."
    )
    max_batch: int = bounded(8, 1, 65_536, "Most of them.")
