"""How long a model takes for an answer and how much memory this process has needed."""

import inspect
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

_KIB = 1024


def measure_speed(
    tokenizer: Any, model: Any, prompts: Sequence[str], *, tokens: int
) -> dict[str, dict[str, float]]:
    """p50 and p95 of the time to the first token and of each later one, in seconds.

    One prompt at a time, greedy, with a key-value cache; every answer has `tokens` tokens, so
    that a model that stops early is not faster. The first prompt warms up and does not count,
    unless it is the only one.
    """
    timed = [_answer_times(tokenizer, model, prompt, tokens=tokens) for prompt in prompts]
    counted = timed[1:] or timed
    return {
        "first_token_s": _percentiles([first for first, _ in counted]),
        "token_s": _percentiles([later for _, rest in counted for later in rest]),
    }


def peak_bytes(device: str) -> int:
    """Most memory so far: tensors on the GPU, else this process's resident set.

    The resident set is the kernel's own mark of this process (`VmHWM` of proc(5)): getrusage's
    begins with that of the process that started it.
    """
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _KIB


def _answer_times(
    tokenizer: Any, model: Any, prompt: str, *, tokens: int
) -> tuple[float, list[float]]:
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    ids = ids.to(model.device)
    # As `generate` does it: logits of the last position only, where the model can.
    last = {"logits_to_keep": 1}
    can_keep = "logits_to_keep" in inspect.signature(model.forward).parameters
    times, cache = [], None
    with torch.inference_mode():
        for _ in range(tokens):
            started = time.perf_counter()
            output = model(
                input_ids=ids, past_key_values=cache, use_cache=True, **(last if can_keep else {})
            )
            ids = output.logits[:, -1:].argmax(dim=-1)
            ids.cpu()  # waits for the GPU
            cache = output.past_key_values
            times.append(time.perf_counter() - started)
    return times[0], times[1:]


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {
        "p50": float(np.percentile(values, 50)) if values else 0.0,
        "p95": float(np.percentile(values, 95)) if values else 0.0,
    }
