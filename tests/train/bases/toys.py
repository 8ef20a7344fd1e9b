"""Toy bases of two layers with tokenizers of their own, and toy texts to compare them on."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.train.rows import chat_rows
from train.bases.plan import Plan
from train.bases.texts import Texts
from train.build_base import SPECIAL_TOKENS, TEMPLATE

PLAN = Plan(
    sizes=(4, 6, 8, 10), steps=2, examples=4, answers=2, shots=1, max_new_tokens=4, timeout_s=120
)
APACHE = "---\nlicense: apache-2.0\n---\nA toy.\n"


def toy_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of toy texts; a small vocabulary means short tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([row.response for row in chat_rows(20)], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=SPECIAL_TOKENS[0], eos_token=SPECIAL_TOKENS[2]
    )
    fast.chat_template = TEMPLATE
    return fast


def save_base(folder: Path, *, vocabulary: int = 300, card: str = APACHE, seed: int = 1) -> Path:
    """The folder of a random model."""
    tokenizer = toy_tokenizer(vocabulary)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=256,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=2,
            tie_word_embeddings=True,
        )
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def toy_texts(train: int = 10, held_out: int = 4) -> Texts:
    """Train, dev and test examples that differ by a number."""
    rows = chat_rows(train + 2 * held_out)
    dev, test = rows[train : train + held_out], rows[train + held_out :]
    return Texts(
        train=rows[:train],
        dev=dev,
        test=test,
        tags={row.example_id: {"category": "SETUP"} for row in rows},
        train_size=train,
        digest="toys",
    )


def write_lines(file: Path, rows: Sequence[dict[str, object]]) -> Path:
    """A file of JSON lines."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file
