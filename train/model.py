"""Base models, adapters and answers: with the loop, the only file that touches a network.

What serving needs of `train.tokenizer` is offered here, too.

Reads the base model's folder (or the hub) and adapter folders; writes adapter folders.
Weights are safetensors only: loading one runs no code of whoever wrote it.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import AutoModelForCausalLM

from deskwheel.chat import Message
from deskwheel.errors import AdapterError
from deskwheel.settings import TrainSettings
from train.files import MANIFEST, WEIGHTS
from train.tokenizer import (
    encode_pair,
    from_base,
    load_tokenizer,
    prompt_messages,
    render,
    source_of,
)

__all__ = [
    "answer_nll", "attach", "check_adapter", "encode_pair", "generate", "load_base",
    "load_tokenizer", "manifest_of", "prompt_messages", "render", "save_adapter",
    "write_manifest",
]  # fmt: skip

_FINGERPRINT_ROWS = 64


def load_base(
    settings: TrainSettings, dtype: torch.dtype | None = None, *, quantization: Any = None
) -> Any:
    """The base model on its device, in evaluation mode.

    Args:
        settings: names the base; a folder is read without asking any hub.
        dtype: of the weights; default bfloat16 on CUDA and float32 on a CPU.
        quantization: how frozen weights are held in fewer bits; None keeps them as they are.

    Raises:
        BaseModelError: there is no such base, or its weights are not safetensors.
    """
    is_cuda = settings.use_gpu and torch.cuda.is_available()
    with from_base(settings):
        model = AutoModelForCausalLM.from_pretrained(
            **source_of(settings),
            dtype=dtype or (torch.bfloat16 if is_cuda else torch.float32),
            use_safetensors=True,
            trust_remote_code=False,
            **({} if quantization is None else {"quantization_config": quantization}),
        )
    if quantization is not None:
        return model.eval()
    return model.to("cuda" if is_cuda else "cpu").eval()


def save_adapter(model: Any, tokenizer: Any, directory: Path, *, base_model: str) -> None:
    """Write the active adapter's weights and the manifest that `attach` checks."""
    directory.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(directory)
    write_manifest(model, tokenizer, directory, base_model=base_model)


def write_manifest(model: Any, tokenizer: Any, directory: Path, *, base_model: str) -> None:
    """Make a folder that holds an adapter's weights one that `attach` accepts."""
    text = manifest_of(model, tokenizer, base_model=base_model)
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def manifest_of(model: Any, tokenizer: Any, *, base_model: str) -> str:
    """What `attach` asks of an adapter: on which base, tokenizer and template it was trained."""
    return json.dumps({"base_model": base_model, **_identity(model, tokenizer)}, indent=1)


def attach(model: Any, adapter_dir: Path, *, name: str, tokenizer: Any) -> Any:
    """The model with one more adapter loaded under a name and made active.

    Raises:
        AdapterError: the adapter was trained on another base, tokenizer or chat template, or its
            folder holds no manifest or no safetensors.
    """
    check_adapter(model, adapter_dir, tokenizer)
    if isinstance(model, PeftModel):
        model.load_adapter(str(adapter_dir), adapter_name=name, use_safetensors=True)
        model.set_adapter(name)
        return model.eval()
    return PeftModel.from_pretrained(
        model, str(adapter_dir), adapter_name=name, use_safetensors=True
    ).eval()


def generate(
    tokenizer: Any, model: Any, prompts: Sequence[str], *, max_new_tokens: int
) -> list[str]:
    """Greedy answers to rendered prompts, in order, without the prompts and special tokens.

    One padded batch; the caller bounds its size. Not safe for concurrent calls on one model.
    """
    if not prompts:
        return []
    batch = tokenizer(list(prompts), return_tensors="pt", padding=True, add_special_tokens=False)
    input_ids = batch["input_ids"].to(model.device)
    with torch.inference_mode():
        output = model.generate(
            input_ids=input_ids,
            attention_mask=batch["attention_mask"].to(model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            use_cache=True,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=_end_tokens(tokenizer, model),
        )
    answers = tokenizer.batch_decode(output[:, input_ids.shape[1] :], skip_special_tokens=True)
    return [answer.strip() for answer in answers]


def answer_nll(
    tokenizer: Any, model: Any, pairs: Sequence[tuple[Sequence[Message], str]]
) -> list[tuple[float, int]]:
    """Per (prompt, answer): summed negative log-likelihood of the answer's tokens, and how many.

    In nats, teacher-forced, end-of-turn token included. One padded batch, as in `generate`.
    """
    encoded = [encode_pair(tokenizer, messages, response) for messages, response in pairs]
    width = max(len(ids) for ids, _ in encoded)
    input_ids = torch.full((len(encoded), width), tokenizer.pad_token_id)
    mask = torch.zeros_like(input_ids)
    for row, (ids, _) in enumerate(encoded):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        mask[row, : len(ids)] = 1
    results = []
    with torch.inference_mode():
        logits = model(
            input_ids=input_ids.to(model.device),
            attention_mask=mask.to(model.device),
            use_cache=False,
        ).logits
        for row, (ids, prompt_tokens) in enumerate(encoded):
            predicted = logits[row, prompt_tokens - 1 : len(ids) - 1].float()
            wanted = torch.tensor(ids[prompt_tokens:], device=predicted.device)
            nll = functional.cross_entropy(predicted, wanted, reduction="sum")
            results.append((float(nll), len(ids) - prompt_tokens))
    return results


def _end_tokens(tokenizer: Any, model: Any) -> list[int]:
    known = getattr(model.generation_config, "eos_token_id", None)
    ends = known if isinstance(known, list) else [known]
    return sorted({t for t in [*ends, tokenizer.eos_token_id] if t is not None})


def _identity(model: Any, tokenizer: Any) -> dict[str, str]:
    return {
        "base_fingerprint": _fingerprint(model),
        "chat_template_sha256": _sha256(str(tokenizer.chat_template).encode()),
        "tokenizer_sha256": _sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode()),
    }


def _fingerprint(model: Any) -> str:
    """Digest of the base's shape and first embeddings, the same in float32 and bfloat16."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    rows = base.get_input_embeddings().weight[:_FINGERPRINT_ROWS].detach()
    raw = rows.to("cpu", torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()
    shape = (base.config.model_type, base.config.vocab_size, base.config.num_hidden_layers)
    return _sha256(repr(shape).encode() + raw)


def check_adapter(model: Any, adapter_dir: Path, tokenizer: Any) -> None:
    """Return if an adapter was trained on the base of a model, its tokenizer and chat template.

    Raises:
        AdapterError: it was trained on others, or its folder holds no manifest or no safetensors.
    """
    path = adapter_dir / MANIFEST
    weights = adapter_dir / WEIGHTS
    if not path.is_file() or not weights.is_file():
        raise AdapterError(f"{adapter_dir}: no {MANIFEST} or {weights.name}; retrain the adapter")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for key, here in _identity(model, tokenizer).items():
        if manifest.get(key) != here:
            raise AdapterError(
                f"{adapter_dir}: {key} is {str(manifest.get(key))[:12]}…, here {here[:12]}…; it"
                f" was trained on {manifest.get('base_model')!r}: load that base or retrain"
            )


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
