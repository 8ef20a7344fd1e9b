"""A Llama's loss by `train.finetune.lean` inside TRL's trainer, in place of the model's own pass.

Reads and writes no table.
"""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional
from trl.trainer.utils import FusedCausalLMOutput, entropy_from_logits

from train.finetune.lean import LeanLlama, lay_rows


class LeanLoss:
    """Stands in for what TRL asks a model under an adapter for a loss, until it is removed.

    Other calls, such as those of generation, get the model's own forward pass. Rows must tell
    their examples by positions, as `lay_side_by_side` does, and have no attention mask.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        """Take over a PEFT model that TRL has given its head; `dtype` is that of the products."""
        self._lean = LeanLlama(model, dtype=dtype)
        self._base = model.get_base_model()
        self._own = self._base.forward
        self._base.forward = MethodType(self._forward, self._base)

    def merge(self) -> None:
        """Take the adapter's newest weights; call it before a step and before a look at dev."""
        self._lean.merge()

    def remove(self) -> None:
        """Give the model its own forward pass back."""
        self._base.forward = self._own

    def _forward(self, base: Any, *args: Any, fused_lm_head: bool = False, **inputs: Any) -> Any:
        if not fused_lm_head:
            return self._own(*args, **inputs)
        if args or inputs.get("attention_mask") is not None:
            raise TypeError("a lean loss takes packed rows by name and no attention mask")
        flat = lay_rows({name: inputs[name] for name in ("input_ids", "labels", "position_ids")})
        # The products have their precision already, and autocast would only look for casts to do.
        with torch.autocast("cpu", enabled=False):
            logits = self._lean.logits(flat)
            losses = functional.cross_entropy(logits, flat.labels, reduction="none")
        with torch.no_grad():
            entropy = entropy_from_logits(logits)
            is_top1 = logits.argmax(-1) == flat.labels
        return FusedCausalLMOutput(
            log_probs=-losses,
            entropy=entropy,
            is_top1=is_top1,
            label_mask=torch.ones_like(flat.labels, dtype=torch.bool),
        )
