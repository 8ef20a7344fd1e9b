"""Base model and adapters of one replica: loads variants and generates answers in batches.

Reads adapter folders. A small base is copied and merged with each adapter (on a CPU 179 ms an
answer against 401 ms through PEFT's `adapter_names`); a large one is held once and adapters are
switched under the lock, because PEFT is not thread-safe.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.generation.streamers import BaseStreamer

from deploy.application import Ask, Piece, Prompt
from deploy.roster import adapter_folder
from deskwheel.chat import user_message
from deskwheel.errors import AdapterError
from deskwheel.records import Variant
from deskwheel.settings import Settings
from train.model import attach, load_base, load_tokenizer, prompt_messages, render

Message = dict[str, str]

_UNKNOWN_LIMIT = 4096
_LARGEST_LIMIT = 1_000_000
"""Tokenizers without a limit report 10³⁰."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedVariant:
    """A variant whose weights are in memory."""

    name: str
    model: Any
    adapter: str | None
    """To be switched on in a shared model; None in a model of its own and for the prompt bot."""
    is_shared: bool
    tokenizer: Any
    system_prompt: str | None
    max_tokens: int

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The messages in the form this variant was evaluated on."""
        folded = fold(messages)
        if self.system_prompt is not None:
            folded = prompt_messages(self.system_prompt, folded[-1]["content"])
        text = render(self.tokenizer, folded)
        count = len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return Prompt(text=text, tokens=count, max_tokens=self.max_tokens)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One ask and where its pieces go; `emit` is called from the generating thread."""

    ask: Ask
    emit: Callable[[Piece], None]


class Answerer:
    """The models of one replica; one generation at a time."""

    def __init__(self, settings: Settings) -> None:
        """Load tokenizer and base model, and take `serve.threads` CPU threads.

        Raises:
            AdapterError: the base has no chat template.
        """
        torch.set_num_threads(settings.serve.threads)
        self._settings = settings
        # Two tokenizers: padding changes a fast tokenizer's state, and a prompt that is measured
        # while a batch is padded would end in "Already borrowed".
        self._tokenizer = load_tokenizer(settings.train)
        self._prompt_tokenizer = load_tokenizer(settings.train)
        self._base = load_base(settings.train)
        self._lock = threading.Lock()
        size = sum(p.numel() for p in self._base.parameters())
        self._is_shared = size > settings.serve.merge_max_parameters
        self._max_tokens = _context_limit(self._base, self._tokenizer)

    def load(self, variant: Variant) -> LoadedVariant:
        """A variant ready to answer; generation goes on meanwhile unless the base is shared.

        Raises:
            AdapterError: the variant has no adapter folder, or the adapter does not fit the base.
        """
        if variant.base_model != self._settings.train.base_model:
            raise AdapterError(
                f"variant {variant.name!r} was made for base {variant.base_model!r}, this replica"
                f" holds {self._settings.train.base_model!r}; set train.base_model or retrain"
            )
        if variant.kind == "prompt":
            return self._loaded(variant.name, self._base, system=self._settings.serve.system_prompt)
        directory = adapter_directory(variant)
        if self._is_shared:
            with self._lock:
                self._base = attach(
                    self._base, directory, name=variant.name, tokenizer=self._tokenizer
                )
            return self._loaded(variant.name, self._base, adapter=variant.name)
        own = load_base(self._settings.train)
        merged = attach(own, directory, name=variant.name, tokenizer=self._tokenizer)
        return self._loaded(variant.name, merged.merge_and_unload().eval())

    def generate(self, jobs: Sequence[Job]) -> None:
        """Answer every job: one padded batch a variant, under the one lock.

        Every job gets a last piece with a finish reason; an exception reaches the caller before
        that, and the jobs that were not finished get none.
        """
        groups: dict[str, list[Job]] = defaultdict(list)
        for job in jobs:
            groups[job.ask.voice.name].append(job)
        with self._lock:
            for group in groups.values():
                self._generate_group(group[0].ask.voice, group)

    def _loaded(
        self, name: str, model: Any, *, adapter: str | None = None, system: str | None = None
    ) -> LoadedVariant:
        return LoadedVariant(
            name=name,
            model=model,
            adapter=adapter,
            is_shared=self._is_shared,
            tokenizer=self._prompt_tokenizer,
            system_prompt=system,
            max_tokens=self._max_tokens,
        )

    def _generate_group(self, voice: LoadedVariant, jobs: Sequence[Job]) -> None:
        model = self._base if voice.is_shared else voice.model
        tokenizer = self._tokenizer
        texts = [job.ask.prompt.text for job in jobs]
        batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        ends = end_tokens(tokenizer, model)
        with _adapter(model, voice), torch.inference_mode():
            model.generate(
                input_ids=batch["input_ids"].to(model.device),
                attention_mask=batch["attention_mask"].to(model.device),
                max_new_tokens=max(job.ask.max_new_tokens for job in jobs),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=sorted(ends),
                streamer=TokenTap([RowText(job, tokenizer, ends) for job in jobs]),
            )


class RowText:
    """Pieces of text out of one row's tokens, until an end token or the row's own limit."""

    def __init__(self, job: Job, tokenizer: Any, ends: frozenset[int]) -> None:
        """Take what `take` needs to know about the row."""
        self._job = job
        self._tokenizer = tokenizer
        self._ends = ends
        self._tokens: list[int] = []
        self._sent = ""
        self._is_done = False

    def take(self, token: int) -> None:
        """One more token; after the end of the answer it is padding and is left out."""
        if self._is_done:
            return
        is_end = token in self._ends
        if not is_end:
            self._tokens.append(token)
        if is_end:
            self._emit("stop")
        elif len(self._tokens) >= self._job.ask.max_new_tokens:
            self._emit("length")
        elif self._job.ask.is_streamed:
            self._emit(None)

    def close(self) -> None:
        """End the answer if the model stopped without saying so."""
        if not self._is_done:
            self._emit("length")

    def _emit(self, finish_reason: str | None) -> None:
        """Send what is new; half a character and white space that may end the answer wait."""
        text = str(self._tokenizer.decode(self._tokens, skip_special_tokens=True)).lstrip()
        if finish_reason is None:
            text = text.rstrip("\ufffd").rstrip()
        else:
            text = text.rstrip()
        new = text[len(self._sent) :] if text.startswith(self._sent) else ""
        self._is_done = finish_reason is not None
        if new or self._is_done:
            self._sent = text
            tokens = len(self._tokens)
            self._job.emit(Piece(text=new, tokens=tokens, finish_reason=finish_reason))


class TokenTap(BaseStreamer):
    """Hands each step's tokens (int64[batch]) to its rows; the first call brings the prompts."""

    def __init__(self, rows: Sequence[RowText]) -> None:
        """Take the rows in the order of the batch."""
        self._rows = rows
        self._has_prompts = False

    def put(self, value: torch.Tensor) -> None:
        """One step of generation."""
        if not self._has_prompts:
            self._has_prompts = True
            return
        for row, token in zip(self._rows, value.reshape(-1).tolist(), strict=True):
            row.take(int(token))

    def end(self) -> None:
        """Generation is over."""
        for row in self._rows:
            row.close()


def fold(messages: Sequence[Message]) -> list[Message]:
    """A conversation as training examples have it: the agent's lines as context, then the query.

    A single message stays as it is; system messages stay in front.
    """
    rules = [m for m in messages if m["role"] == "system"]
    asked = [m["content"] for m in messages if m["role"] == "user"]
    said = [f"agent: {m['content']}" for m in messages if m["role"] == "assistant"]
    return [*rules, user_message("\n".join(asked), "\n".join(said))]


def adapter_directory(variant: Variant) -> Path:
    """Folder of a variant's adapter, from a path or a file:// address.

    Raises:
        AdapterError: the variant names none, or it is not a folder here.
    """
    try:
        directory = adapter_folder(variant.adapter_uri or "")
    except ValueError as error:
        raise AdapterError(f"variant {variant.name!r}: {error}; train it again") from error
    if not directory.is_dir():
        raise AdapterError(f"variant {variant.name!r}: {directory} is not a folder; retrain it")
    return directory


def end_tokens(tokenizer: Any, model: Any) -> frozenset[int]:
    """Tokens that end an answer, by the model's generation settings and the tokenizer."""
    known = getattr(model.generation_config, "eos_token_id", None)
    listed = known if isinstance(known, list) else [known]
    return frozenset(int(t) for t in [*listed, tokenizer.eos_token_id] if t is not None)


def _adapter(model: Any, voice: LoadedVariant) -> AbstractContextManager[Any]:
    """The shared model with the voice's adapter switched on, or with none for the prompt bot."""
    if not voice.is_shared:
        return nullcontext()
    if voice.adapter is not None:
        model.set_adapter(voice.adapter)
        return nullcontext()
    without: AbstractContextManager[Any] = (
        model.disable_adapter() if hasattr(model, "disable_adapter") else nullcontext()
    )
    return without


def _context_limit(model: Any, tokenizer: Any) -> int:
    """Tokens that prompt and answer may have together."""
    limit = getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length
    return int(limit) if limit and limit < _LARGEST_LIMIT else _UNKNOWN_LIMIT
