"""Base models, adapters and answers: with the loop, the only file that touches a network.

Reads the base model's folder (or the hub) and adapter folders; writes adapter folders.
Weights are safetensors only: loading one runs no code of whoever wrote it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from deskwheel.chat import Message, user_message
from deskwheel.errors import AdapterError, BaseModelError
from deskwheel.settings import TrainSettings
from train.files import MANIFEST, WEIGHTS, base_location

_FINGERPRINT_ROWS = 64


def load_tokenizer(settings: TrainSettings) -> Any:
    """The base model's tokenizer with its chat template, padding on the left for generation.

    Raises:
        BaseModelError: there is no such base.
        AdapterError: the base has no chat template, so there is no agreed form of a prompt.
    """
    with _from_base(settings):
        tokenizer = AutoTokenizer.from_pretrained(
            **_source(settings), padding_side="left", trust_remote_code=False
        )
    if not tokenizer.chat_template:
        raise AdapterError(
            f"base model {settings.base_model!r} has no chat template;"
            " set train.base_model to an instruction-tuned one"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


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
    with _from_base(settings):
        model = AutoModelForCausalLM.from_pretrained(
            **_source(settings),
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


def prompt_messages(system_prompt: str, query: str) -> list[Message]:
    """What the old, prompt-engineered bot gives the base model: its prompt, then the query."""
    return [{"role": "system", "content": system_prompt}, user_message(query)]


def render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt text of a conversation, up to where the assistant's answer begins."""
    return str(
        tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    )


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


def encode_pair(
    tokenizer: Any, messages: Sequence[Message], response: str
) -> tuple[list[int], int]:
    """Token ids of a prompt and its answer, and how many of them are the prompt.

    The answer ends with the template's end-of-turn token and without the white space behind it,
    so that the loss covers exactly what `generate` has to produce.
    """
    prompt = render(tokenizer, messages)
    answer = [*messages, {"role": "assistant", "content": response}]
    whole = str(tokenizer.apply_chat_template(answer, tokenize=False)).rstrip()
    if not whole.startswith(prompt):
        raise AdapterError(
            f"the chat template changes a prompt once it is answered: {prompt[-40:]!r} is not in"
            f" {whole[:200]!r}; use a template that only appends"
        )
    prompt_ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answer_ids = tokenizer(whole[len(prompt) :], add_special_tokens=False)["input_ids"]
    return [*prompt_ids, *answer_ids], len(prompt_ids)


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


def _source(settings: TrainSettings) -> dict[str, Any]:
    location = base_location(settings.base_model)
    is_local = Path(location).is_dir()
    revision = {} if is_local else {"revision": settings.base_revision}
    return {
        "pretrained_model_name_or_path": location,
        "local_files_only": is_local,
        **revision,
    }


@contextmanager
def _from_base(settings: TrainSettings) -> Iterator[None]:
    """Name the base model in what its loader complains of."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise BaseModelError(
            f"base model {settings.base_model!r} cannot be loaded ({reason}); train.base_model is"
            " `demo`, a folder with safetensors, or a model id of the hub"
        ) from error


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
