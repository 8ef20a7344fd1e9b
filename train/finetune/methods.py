"""What is trained of a base model, with what it needs: adapter, adapter on 4 bits, or everything.

Reads and writes no table.
"""

import importlib.util
from typing import Any

import torch
from peft import LoraConfig
from transformers import BitsAndBytesConfig

from deskwheel.errors import ConfigError
from deskwheel.settings import TrainSettings

FAST_MODELS = ("llama",)
_BY_LENGTH = ("llama", "mistral", "qwen2", "qwen3")
"""Whose layers hand the examples' lengths on to attention, and attend to everything before."""
_CAPABILITY = (8, 0)
_MOST_HEAD, _HEAD_STEP = 256, 8
"""Least GPU, greatest head and what divides it. Source: FlashAttention-2, README."""


def check_method(settings: TrainSettings) -> None:
    """Return if this machine and release can train as the settings have it.

    Raises:
        ConfigError: a part is missing, or two settings do not go together.
    """
    has_gpu = settings.use_gpu and torch.cuda.is_available()
    if settings.method == "qlora":
        if not has_gpu:
            raise ConfigError(
                "train.method='qlora' computes in 4 bits on CUDA, and"
                f" train.use_gpu={settings.use_gpu} with {torch.cuda.device_count()} GPUs here;"
                " set train.method='lora'"
            )
        if importlib.util.find_spec("bitsandbytes") is None:
            raise ConfigError(
                "train.method='qlora' needs the package bitsandbytes, which is not installed:"
                " install it beside deskwheel, or set train.method='lora'"
            )
    if settings.parallel == "fsdp2" and not has_gpu:
        raise ConfigError(
            "train.parallel='fsdp2' shares a base among GPUs, and there is none on this worker;"
            " set train.use_gpu=true on a machine with GPUs, or train.parallel='ddp'"
        )
    if settings.parallel == "fsdp2" and settings.method == "qlora":
        raise ConfigError(
            "train.parallel='fsdp2' with train.method='qlora' is not offered: use one of them"
        )
    if settings.engine == "fast" and (settings.method != "lora" or settings.use_gpu):
        raise ConfigError(
            f"train.engine='fast' trains an adapter on a CPU, not method={settings.method!r} with"
            f" use_gpu={settings.use_gpu}; set train.engine='sft'"
        )
    if settings.engine == "fast" and settings.gradient_checkpointing == "on":
        raise ConfigError(
            "train.gradient_checkpointing='on' with train.engine='fast' is not offered: that engine"
            " keeps activations; set train.engine='sft'"
        )


def has_lean_form(config: Any) -> bool:
    """Whether `train.finetune.lean` computes what a model of this configuration computes."""
    return (
        config.model_type in FAST_MODELS
        and config.hidden_act == "silu"
        and not (config.attention_bias or config.mlp_bias or config.attention_dropout)
    )


def attends_by_length(settings: TrainSettings, model: Any, *, precision: str) -> bool:
    """Whether this GPU and base model can attend by length (`varlen`) in this precision."""
    config = model.config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return (
        settings.use_gpu
        and torch.cuda.is_available()
        and torch.cuda.get_device_capability() >= _CAPABILITY
        and precision in ("bf16", "fp16")
        and config.model_type in _BY_LENGTH
        and not config.attention_dropout
        and not _has_window(config)
        and head <= _MOST_HEAD
        and head % _HEAD_STEP == 0
    )


def _has_window(config: Any) -> bool:
    """Whether a layer attends to the nearest tokens alone."""
    kinds = set(getattr(config, "layer_types", None) or ())
    windowed = bool(getattr(config, "sliding_window", None))
    return "sliding_attention" in kinds if kinds else windowed


def adapter_config(settings: TrainSettings) -> LoraConfig | None:
    """The adapter to train on every linear layer; None for a full fine-tune.

    Source: Hu et al. 2021, LoRA; all layers as in Dettmers et al. 2023, QLoRA.
    """
    if settings.method == "full":
        return None
    return LoraConfig(
        r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def quantization(settings: TrainSettings, dtype: torch.dtype) -> Any:
    """How the frozen base is held for QLoRA (4-bit NormalFloat, scales quantised too), else None.

    Its products are of `dtype`, the run's precision: a GPU without bfloat16 would emulate it.
    Source: Dettmers et al. 2023, QLoRA.
    """
    if settings.method != "qlora":
        return None
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def split_batch(settings: TrainSettings, workers: int) -> tuple[int, int]:
    """(packed sequences at once, times) of a worker, so that a step has the global batch.

    With fewer workers than `train.workers` (`train.min_workers`) a step may hold up to one round
    more than the global batch.

    Raises:
        ConfigError: all workers are there and cannot share the global batch evenly.
    """
    wanted = sequences_per_step(settings)
    for at_once in range(min(settings.batch_size, wanted), 0, -1):
        if wanted % (at_once * workers) == 0:
            return at_once, wanted // (at_once * workers)
    if workers == settings.workers:
        raise ConfigError(
            f"train.global_batch={wanted} is no multiple of train.workers={workers}; a step"
            f" would have more than that: set it to {-(-wanted // workers) * workers}"
        )
    return 1, -(-wanted // workers)


def sequences_per_step(settings: TrainSettings) -> int:
    """Packed sequences of one optimizer step over all workers."""
    plain = settings.batch_size * settings.accumulation * settings.workers
    return settings.global_batch or plain
