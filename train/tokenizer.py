"""The tokenizer of a base model: prompts, and pairs as tokens.

Reads the base model's folder (or the hub). Apart from `train.model` because it loads in a fifth of
the time, and packing needs no more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from deskwheel.chat import Message, user_message
from deskwheel.errors import AdapterError, BaseModelError
from deskwheel.settings import TrainSettings
from train.files import base_location


def load_tokenizer(settings: TrainSettings) -> Any:
    """The base model's tokenizer with its chat template, padding on the left for generation.

    Raises:
        BaseModelError: there is no such base.
        AdapterError: the base has no chat template, so there is no agreed form of a prompt.
    """
    with from_base(settings):
        tokenizer = AutoTokenizer.from_pretrained(
            **source_of(settings), padding_side="left", trust_remote_code=False
        )
    if not tokenizer.chat_template:
        raise AdapterError(
            f"base model {settings.base_model!r} has no chat template;"
            " set train.base_model to an instruction-tuned one"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def prompt_messages(system_prompt: str, query: str) -> list[Message]:
    """What the old, prompt-engineered bot gives the base model: its prompt, then the query."""
    return [{"role": "system", "content": system_prompt}, user_message(query)]


def render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt text of a conversation, up to where the assistant's answer begins."""
    return str(
        tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    )


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


def source_of(settings: TrainSettings) -> dict[str, Any]:
    """Where Transformers finds the base: arguments of `from_pretrained`; a folder asks no hub."""
    location = base_location(settings.base_model)
    is_local = Path(location).is_dir()
    revision = {} if is_local else {"revision": settings.base_revision}
    return {
        "pretrained_model_name_or_path": location,
        "local_files_only": is_local,
        **revision,
    }


@contextmanager
def from_base(settings: TrainSettings) -> Iterator[None]:
    """Name the base model in what its loader complains of."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise BaseModelError(
            f"base model {settings.base_model!r} cannot be loaded ({reason}); train.base_model is"
            " `demo`, a folder with safetensors, or a model id of the hub"
        ) from error
