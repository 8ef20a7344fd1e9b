"""The precision of a run's products, by trial: fewer bits only where they are faster and sound.

Reads and writes no table.
"""

import time

import torch
from torch.distributed import broadcast_object_list, is_initialized

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_GAIN = 1.1
"""Times as fast as float32 that is worth the lost bits; below it the clock may have been wrong."""
_MOST_ERROR = 0.05
"""Relative to float32's product, in norm; bfloat16 has eight bits and keeps within 0.01."""
_SIZES = {"cpu": (256, 512), "cuda": (2048, 2048)}
"""Rows and width of the product that is timed: one that the device is not idle in."""
_ROUNDS = 5


def choose_precision(settings: TrainSettings) -> str:
    """bf16, fp16 or fp32 for this device; the same answer on every worker, that of rank 0.

    Takes some hundredths of a second on a CPU.

    Raises:
        ConfigError: `train.precision` names one that the device does not have.
    """
    device = torch.device("cuda" if settings.use_gpu and torch.cuda.is_available() else "cpu")
    chosen = [settings.precision]
    if settings.precision == "auto":
        chosen = [_by_trial(device)]
    elif settings.precision not in _offered(device):
        raise ConfigError(
            f"train.precision={settings.precision!r}: {device.type} has {_offered(device)};"
            " leave it at `auto`"
        )
    if is_initialized():
        broadcast_object_list(chosen, src=0)
    return chosen[0]


def _offered(device: torch.device) -> list[str]:
    if device.type == "cpu":
        return ["bf16", "fp32"]
    has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return [*(["bf16"] if has_bf16 else []), "fp16", "fp32"]


def _by_trial(device: torch.device) -> str:
    candidate = _offered(device)[0]
    generator = torch.Generator().manual_seed(0)
    count, width = _SIZES[device.type]
    rows = torch.randn(count, width, generator=generator).to(device)
    weight = torch.randn(width, width, generator=generator).to(device)
    plain_s, plain = _product(rows, weight)
    narrow = DTYPES[candidate]
    narrow_s, found = _product(rows.to(narrow), weight.to(narrow))
    error = (found.float() - plain).norm() / plain.norm()
    is_sound = bool(torch.isfinite(found).all()) and float(error) < _MOST_ERROR
    return candidate if is_sound and plain_s > _GAIN * narrow_s else "fp32"


def _product(rows: torch.Tensor, weight: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The least of some times of a product forward and backward, and the product."""
    best = float("inf")
    result = rows @ weight
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        result = rows @ weight
        _ = result @ weight.t()
        if rows.device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best, result
