"""What a run has cost, as an estimate: device hours, kilowatt hours, a price.

Pure. Nothing is measured but the time: power is a setting, or a mean of data sheets.
"""

from dataclasses import dataclass

from deskwheel.settings import Settings

GPU_WATTS = 200.0
CPU_THREAD_WATTS = 12.0
"""Thermal design power of any GPU, and of any CPU by core.

Source: Lannelongue et al. 2021, "Green Algorithms", the calculator's table for unknown devices.
"""
FORMULA = "kWh = hours x workers x watts x PUE / 1000"
SOURCE = (
    "Strubell et al. 2019, equation 1, with its PUE of 1.58; Patterson et al. 2021 have the same"
    " product. Watts unless set: Lannelongue et al. 2021."
)


@dataclass(frozen=True, kw_only=True)
class Energy:
    """An estimate, with everything that it was computed from."""

    device_hours: float
    """Hours times workers, of all attempts: packing and scoring included, waits between not."""
    workers: int
    watts: float
    """Of one worker, taken as its mean over the run."""
    are_watts_set: bool
    pue: float
    kwh: float
    price: float | None
    """In the currency of `train.price_per_hour`; None where that is not set."""
    formula: str = FORMULA
    source: str = SOURCE


def estimate_energy(settings: Settings, *, duration_s: float) -> Energy:
    """What a run of some seconds has cost under the settings it was made with.

    Source: `SOURCE`.
    """
    train = settings.train
    watts = train.watts or _usual_watts(settings)
    hours = duration_s / 3600 * train.workers
    return Energy(
        device_hours=hours,
        workers=train.workers,
        watts=watts,
        are_watts_set=train.watts > 0,
        pue=train.pue,
        kwh=hours * watts * train.pue / 1000,
        price=hours * train.price_per_hour if train.price_per_hour else None,
    )


def _usual_watts(settings: Settings) -> float:
    if settings.train.use_gpu:
        return GPU_WATTS * settings.jobs.gpus_per_worker
    return CPU_THREAD_WATTS * settings.train.threads
