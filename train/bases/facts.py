"""What can be said of a base model without asking it anything: sizes, limits, tokens a text.

Reads the candidate's folder or the hub's cache; writes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from train.data.training_set import ChatRow

_LEAST_OF_A_TAG = 10
"""With fewer examples a tag's rate says more about them than about the tokenizer."""


def tokenizer_facts(source: Mapping[str, Any], rows: Sequence[ChatRow]) -> dict[str, Any]:
    """Vocabulary, template and tokens per 1,000 characters of our own text.

    Args:
        source: arguments of `from_pretrained` that name the candidate.
        rows: whose queries and responses are the text.
    """
    tokenizer = AutoTokenizer.from_pretrained(**source, trust_remote_code=False)
    return {
        "vocabulary": len(tokenizer),
        "has_chat_template": bool(tokenizer.chat_template),
        "tokens_per_1000_characters": tokens_per_1000(tokenizer, rows),
    }


def tag_rates(
    tokenizer: Any, rows: Sequence[ChatRow], tags: Mapping[str, Mapping[str, str]]
) -> dict[str, float]:
    """Tokens per 1,000 characters by `category NAME` and `language NAME`, of frequent ones."""
    members: dict[str, list[ChatRow]] = {}
    for row in rows:
        for tag, value in tags.get(row.example_id, {}).items():
            members.setdefault(f"{tag} {value}", []).append(row)
    return {
        name: tokens_per_1000(tokenizer, found)
        for name, found in sorted(members.items())
        if len(found) >= _LEAST_OF_A_TAG
    }


def tokens_per_1000(tokenizer: Any, rows: Sequence[ChatRow]) -> float:
    """Tokens per 1,000 characters (code points) of queries and responses."""
    texts = [text for row in rows for text in (row.query, row.response)]
    tokens = sum(map(len, tokenizer(texts, add_special_tokens=False)["input_ids"]))
    return 1000 * tokens / max(1, sum(map(len, texts)))


def config_facts(source: Mapping[str, Any]) -> dict[str, Any]:
    """Context length in tokens (0: unknown) and the kind of the model."""
    config = AutoConfig.from_pretrained(**source, trust_remote_code=False)
    text = config.get_text_config()
    return {
        "context_tokens": int(getattr(text, "max_position_embeddings", 0) or 0),
        "model_type": str(config.model_type),
        "stored_dtype": str(getattr(config, "dtype", None) or "unknown").removeprefix("torch."),
    }


def model_facts(model: Any) -> dict[str, Any]:
    """Parameters, and where and how the weights were measured."""
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device.type,
    }
