"""A tiny Llama's answers by `train.finetune.lean` inside TRL's preference trainers.

TRL pads answers to the longest, computes the prompt's logits too, and goes through the adapter's
own products: on a CPU most of the time of a step. Reads and writes no table.
"""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional
from transformers import TrainerCallback
from trl.trainer.utils import FusedCausalLMOutput, entropy_from_logits, use_adapter

from deskwheel.settings import TrainSettings
from train.finetune.batches import IGNORED
from train.finetune.lean import Flat, LeanLlama, lay_rows
from train.finetune.methods import has_lean_form

_ADAPTER = "default"


class LeanAnswers(TrainerCallback):
    """Stands in for what TRL asks a model under adapters for log-probabilities, until removed.

    It knows the adapter that is trained and one that is frozen. Other calls, and those without an
    adapter, get the model's own forward pass.
    """

    def __init__(self, model: Any, *, frozen: str, dtype: torch.dtype) -> None:
        """Take over a PEFT model that TRL has given its head; `dtype` is that of the products."""
        self._base = model.get_base_model()
        self._lean = {_ADAPTER: LeanLlama(model, dtype=dtype)}
        with use_adapter(model, frozen):
            self._lean[frozen] = LeanLlama(model, dtype=dtype)
        self._lean[frozen].merge()
        self._lean[_ADAPTER].merge()
        self._own = self._base.forward
        self._base.forward = MethodType(self._forward, self._base)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the trained adapter's newest weights."""
        self._lean[_ADAPTER].merge()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take those of the last step, for the look at dev."""
        self._lean[_ADAPTER].merge()

    def remove(self) -> None:
        """Give the model its own forward pass back."""
        self._base.forward = self._own

    def _forward(self, base: Any, *args: Any, fused_lm_head: bool = False, **inputs: Any) -> Any:
        layer = base.model.layers[0].self_attn.q_proj
        if not fused_lm_head or layer.disable_adapters:
            return self._own(*args, **{**inputs, "fused_lm_head": fused_lm_head})
        (adapter,) = layer.active_adapters
        ids, labels = inputs["input_ids"], inputs["labels"]
        flat = _lay_out(inputs)
        # Autocast would only look for casts to do: the products have their precision already.
        with torch.autocast("cpu", enabled=False):
            logits = self._lean[adapter].logits(flat)
            losses = functional.cross_entropy(logits, ids.flatten()[flat.labels], reduction="none")

        def spread(values: torch.Tensor) -> torch.Tensor:
            """To [rows, time - 1], where each label stands a place before its token."""
            empty = values.new_zeros(ids.numel())
            return empty.scatter(0, flat.labels, values).view(ids.shape)[:, 1:]

        with torch.no_grad():
            said = {
                "entropy": entropy_from_logits(logits),
                "mean_logits": logits.mean(-1),
                "is_top1": logits.argmax(-1) == ids.flatten()[flat.labels],
            }
        return FusedCausalLMOutput(
            log_probs=spread(-losses),
            label_mask=labels[:, 1:] != IGNORED,
            **{name: spread(values) for name, values in said.items()},
        )


def is_lean(model: Any, settings: TrainSettings) -> bool:
    """Whether a PEFT model is computed leanly: a Llama of a known form, on a CPU."""
    return not settings.use_gpu and has_lean_form(model.get_base_model().config)


def _lay_out(inputs: dict[str, torch.Tensor]) -> Flat:
    """Real tokens end to end; `labels` are places of the answers' tokens in the batch, not tokens.

    Of packed rows, which have no mask, positions tell the examples.
    """
    ids, mask = inputs["input_ids"], inputs.get("attention_mask")
    places = torch.arange(ids.numel()).view(ids.shape)
    places = places.masked_fill(inputs["labels"] == IGNORED, IGNORED)
    if mask is None:
        return lay_rows(
            {"input_ids": ids, "labels": places, "position_ids": inputs["position_ids"]}
        )
    is_real = mask.bool()
    positions = mask.cumsum(1) - 1
    return lay_rows(
        {
            "input_ids": ids[is_real],
            "labels": places[is_real],
            "position_ids": positions[is_real],
        }
    )
