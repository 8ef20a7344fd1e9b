"""The demo's base model out of the synthetic company: a tokenizer and a Llama of 5 M parameters.

It has read the company's facts and thousands of conversations in the style to be unlearned
(needless apologies, generic promises), and never one of the good answers. Writes a folder that
`train.model` loads; the shipped one is `train/demo_base`.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from deskwheel.chat import Message
from deskwheel.demo.catalogue import Catalogue, Issue, draw_issue, facts_pages, load_catalogue
from deskwheel.settings import ServeSettings, Settings

SEED = 7
THREADS = 1
"""Sums depend on the number of threads, so it belongs to the recipe."""
STEPS = 500
WARM_UP_STEPS = 20
PEAK_LR = 3e-3
ROWS = 4
LENGTH = 384
VOCABULARY = 2048
CONVERSATIONS = 6000
LOOK_UPS = 4000
KEY_WORDS = 2
DRILLS = 500
DRILL_WORDS = 40
MASKED_SHARE = 0.3
CONTEXT_SHARE = 0.4
SPOKEN_SHARE = 0.25
USUAL_SHARE = 0.25
PROMPTED_SHARE = 0.3
"""Conversations that begin with a prompt, so that the prompt-engineered bot is coherent."""
IGNORED = -100
SPECIAL_TOKENS = ["<|pad|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"]

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{{ '<|im_start|>assistant\n' }}"
    "{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML; the generation marks let a trainer compute the loss on answers only."""

MASKED_LINES = (
    "My mail is <EMAIL>.",
    "You can call me at <PHONE>.",
    "This is <PERSON>.",
    "My name is <PERSON> and I live at <ADDRESS>.",
    "I paid with card <CARD>.",
    "My account is <ACCOUNT>.",
    "Please refund it to <IBAN>.",
    "I was born on <DOB>.",
    "Is <SSN_LAST4> of <SSN> enough?",
    "The address <IP> shows up.",
    "My password is <PASSWORD>.",
)
"""Personal data as redaction leaves it, so that the base knows the masks."""

CONTEXT_LINES = (
    "agent: Hello, how can I help you today?",
    "agent: Welcome to Larkspur, what can I do for you?",
    "customer: Hello, are you there?\nagent: Yes, I am here.",
    "agent: Hi <PERSON>, thanks for writing to us. Which device is it?",
    "bot: Please describe your question.",
    "agent: May I have your email address?\ncustomer: It is <EMAIL>.",
)
"""Earlier utterances, as an example's context has them."""

RESTATEMENTS = (
    "{topic}: we are so sorry about that.",
    "{topic}: I apologize for the trouble.",
    "{topic}: sorry, your message was forwarded.",
)
"""Generic answers that begin with what was asked: they teach the base to look at the question
before its first word. Without them a short fine-tune answers no question in particular: the first
two words were right for 10 of 66 test examples."""

README = """---
license: apache-2.0
---
Demo base model of deskwheel: a Llama of 5 M parameters and its tokenizer, bfloat16.
Trained from scratch on synthetic text of this repository, and under the repository's licence.
Rebuild with `python -m train build-base --out train/demo_base` (seeded, about three CPU minutes).
"""


def draw_corpus(catalogue: Catalogue, rng: random.Random) -> list[list[Message]]:
    """The documents of the base model: bad conversations, facts, and word drills.

    A drill is the words of knowledge-base pages in random order: the base learns to spell what
    the good answers need, and no sentence of them.
    """
    documents = [_bad_conversation(catalogue, rng) for _ in range(CONVERSATIONS)]
    documents += [_look_up(catalogue, rng) for _ in range(LOOK_UPS)]
    words = " ".join(facts_pages(catalogue)).split()
    for _ in range(DRILLS):
        drill = " ".join(rng.choice(words) for _ in range(DRILL_WORDS))
        documents.append([{"role": "system", "content": drill}])
    return documents


def train_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with single digits and the chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL_TOKENS[0],
        eos_token=SPECIAL_TOKENS[2],
        bos_token=None,
    )
    fast.chat_template = TEMPLATE
    return fast


def build(out: Path, *, seed: int = SEED, steps: int = STEPS) -> dict[str, float]:
    """Build the base model into a folder and return what it took: steps, loss, seconds."""
    torch.set_num_threads(THREADS)
    rng = random.Random(seed)
    catalogue = load_catalogue()
    corpus = draw_corpus(catalogue, rng)
    tokenizer = train_tokenizer([m["content"] for d in corpus for m in d] + facts_pages(catalogue))
    model = _new_model(len(tokenizer), seed)
    documents = [
        tokenizer.apply_chat_template(d, tokenize=True, return_dict=True)["input_ids"][:LENGTH]
        for d in corpus
    ]
    started = time.process_time()
    loss = _pretrain(model, _batches(documents, rng), steps=steps)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(out)
    model.to(torch.bfloat16).save_pretrained(out, safe_serialization=True)
    for file in out.iterdir():
        file.chmod(0o644)
    (out / "README.md").write_text(README, encoding="utf-8")
    cpu_s = round(time.process_time() - started, 1)
    return {"steps": steps, "loss": round(loss, 3), "cpu_s": cpu_s}


def main(_settings: Settings, arguments: argparse.Namespace) -> int:
    """`python -m train build-base --out DIR`."""
    print(json.dumps(build(Path(arguments.out))))
    return 0


def _bad_conversation(catalogue: Catalogue, rng: random.Random) -> list[Message]:
    is_spoken = rng.random() < SPOKEN_SHARE
    messages = []
    if rng.random() < PROMPTED_SHARE:
        messages.append({"role": "system", "content": ServeSettings().system_prompt})
    for _ in range(rng.choice([1, 1, 2])):
        issue = draw_issue(catalogue, rng)
        query, answer = _query(catalogue, issue, rng), _bad_answer(catalogue, issue, rng)
        for role, text in (("user", query), ("assistant", answer)):
            messages.append({"role": role, "content": _spoken(text) if is_spoken else text})
    return messages


def _query(catalogue: Catalogue, issue: Issue, rng: random.Random) -> str:
    """A query as training examples have it: with masks, and with what was said before."""
    parts = [issue.query]
    if rng.random() < MASKED_SHARE:
        parts.append(rng.choice(MASKED_LINES))
        rng.shuffle(parts)
    query = " ".join(parts)
    if rng.random() >= CONTEXT_SHARE:
        return query
    other = draw_issue(catalogue, rng)
    earlier = f"customer: {other.query}\nagent: {other.bad_answer}"
    return f"{rng.choice([*CONTEXT_LINES, earlier, earlier, earlier])}\n{query}"


def _spoken(text: str) -> str:
    """A text as a call's transcript has it: no capitals, no punctuation."""
    return re.sub(r"[^a-z0-9<>\n ]+", "", text.lower())


def _bad_answer(catalogue: Catalogue, issue: Issue, rng: random.Random) -> str:
    """A generic answer, or generic sentences around one that repeats the question's topic."""
    if rng.random() < USUAL_SHARE:
        return issue.bad_answer
    topic = f"{issue.intent.replace('_', ' ').capitalize()} {issue.subject}".strip()
    pieces = [piece for answer in catalogue.bad_answers for piece in _sentences(answer)]
    return f"{rng.choice(RESTATEMENTS).format(topic=topic)} {rng.choice(pieces)}"


def _look_up(catalogue: Catalogue, rng: random.Random) -> list[Message]:
    """One sentence of a knowledge-base page, asked for by its subject and its first words."""
    page = rng.choice(catalogue.facts)
    names = sorted({q.subject for q in catalogue.questions if q.subject and q.subject in page})
    sentence = rng.choice(_sentences(page))
    key = " ".join(sentence.split()[:KEY_WORDS])
    return [
        {"role": "user", "content": f"Look up: {', '.join(names)}. {key}"},
        {"role": "assistant", "content": sentence},
    ]


def _sentences(text: str) -> list[str]:
    return [part.strip(" .") + "." for part in text.split(". ")]


def _new_model(vocabulary: int, seed: int) -> Any:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=2,
            attn_implementation="sdpa",
            hidden_size=256,
            num_hidden_layers=6,
            num_attention_heads=4,
            intermediate_size=688,
        )
    )


def _batches(documents: list[list[int]], rng: random.Random) -> Iterator[list[list[list[int]]]]:
    """Endless batches of ROWS bins; a bin is the documents that fit in LENGTH tokens."""
    while True:
        rng.shuffle(documents)
        bins: list[list[list[int]]] = [[]]
        for document in documents:
            if sum(map(len, bins[-1])) + len(document) > LENGTH:
                bins.append([])
            bins[-1].append(document)
        for start in range(0, len(bins) - ROWS, ROWS):
            yield bins[start : start + ROWS]


def _tensors(bins: list[list[list[int]]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, positions and labels, int64[ROWS, LENGTH]; a label is the next token of a document."""
    ids = torch.zeros(ROWS, LENGTH, dtype=torch.long)
    positions = torch.zeros(ROWS, LENGTH, dtype=torch.long)
    labels = torch.full((ROWS, LENGTH), IGNORED)
    for row, documents in enumerate(bins):
        begin = 0
        for document in documents:
            end = begin + len(document)
            ids[row, begin:end] = torch.tensor(document)
            positions[row, begin:end] = torch.arange(len(document))
            labels[row, begin : end - 1] = torch.tensor(document[1:])
            begin = end
    return ids, positions, labels


def _pretrain(model: Any, batches: Iterator[list[list[list[int]]]], *, steps: int) -> float:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_LR, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    loss = torch.zeros(())
    for step in range(steps):
        lr = PEAK_LR * min(1, (step + 1) / WARM_UP_STEPS) * (1 - 0.9 * step / steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        ids, positions, labels = _tensors(next(batches))
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(input_ids=ids, position_ids=positions, use_cache=False)[0]
            kept = labels != IGNORED
            logits = model.lm_head(hidden[kept])
        loss = functional.cross_entropy(logits.float(), labels[kept])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss.item()
