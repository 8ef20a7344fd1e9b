"""Layers compiled by PyTorch for a GPU, where a run is long enough to earn it back.

Reads and writes no table; PyTorch keeps compiled code in its own cache (`TORCHINDUCTOR_CACHE_DIR`).
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch._dynamo

from deskwheel.settings import TrainSettings
from train.finetune.methods import sequences_per_step

_WORTH_FLOPS = 1.5e16
"""Floating-point operations of a worker from which compiling pays. Compiling a Llama of 8 B
parameters took 15 s on an H200 and saved 30 % of a step, which 45 s of training earn back.
Source: `python -m benchmarks.train_gpu`."""


def compiles(settings: TrainSettings, model: Any) -> bool:
    """Whether a worker compiles the layers of this base model.

    Counts a forward pass as 2 operations a parameter and token, the backward pass through frozen
    weights as 2 more. Source: Kaplan et al. 2020, section 2.1.
    """
    sequences = settings.steps * sequences_per_step(settings) / settings.workers
    flops = 4 * model.num_parameters() * sequences * settings.max_length
    return (
        settings.compile == "auto"
        and settings.use_gpu
        and torch.cuda.is_available()
        and settings.method == "lora"
        and settings.parallel == "ddp"
        and flops >= _WORTH_FLOPS
        and importlib.util.find_spec("triton") is not None
    )


@contextmanager
def compiled_layers(model: Any) -> Iterator[None]:
    """Each layer of a model of transformers is compiled when it is first asked; undone at the end.

    Layers share the code. It is made for one shape, so rows must be of one width (`Frame`). A
    forward pass that cannot be compiled runs as it is, with PyTorch's warning; a backward pass that
    cannot raises PyTorch's error.
    """
    names = set(model._no_split_modules or ())  # noqa: SLF001  how transformers names its layers
    layers = [part for part in model.modules() if type(part).__name__ in names]
    try:
        for layer in layers:
            layer.forward = torch.compile(layer.forward, dynamic=False)
        with torch._dynamo.config.patch(suppress_errors=True):  # noqa: SLF001  no public way
            yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)
        # Else code of earlier runs of this process would count towards PyTorch's limit.
        torch.compiler.reset()
