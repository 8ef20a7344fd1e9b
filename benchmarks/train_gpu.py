"""Useful tokens a second of our trainer on one GPU, for a Llama of 8 B parameters with LoRA.

`python -m benchmarks.train_gpu [--smoke]`, or on a bare machine `benchmarks/gpu.sh`.

The model has Llama 3 8B's shape and random weights, made on the GPU in bfloat16: speed does not
depend on what they say. LoRA of rank 16 on every linear layer, sequences of 4,096 tokens, by the
engine that real runs use (TRL). *full* has one example a sequence, as the published figure has;
*packed* has examples of support's length, 120 to 480 tokens, that do not see each other; *plain* is
*packed* with `train.compile=off`. Padding is not useful. *gradient* is what attention by length
does to a gradient, that of the first queries of two such layers: how far it is in bfloat16 from
float32's with a mask, and how far with a mask in bfloat16.

The published figure is NVIDIA's for NeMo AutoModel on one H100: 12,472.87 tokens a second, which
are 402 TFLOP/s by the formula below, full sequences without padding.

MFU by 4 N: a forward pass takes 2 N floating-point operations a token, the backward pass through
frozen weights another 2 N, because their own gradients are not computed; LoRA's share, under 1 %,
and attention are left out. N is every parameter of the base.

Source: Kaplan et al. (2020), section 2.1, for 2 N; Chowdhery et al., PaLM (2022), appendix B, for
MFU; NeMo AutoModel, "Performance Summary" (2025-10-02), fine-tuning (LoRA), for the figure.

`--smoke` does the same with a tiny shape on a CPU, which proves the code and no speed.
"""

import argparse
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.claims import Claim, add_json_option, claims_of, report
from deskwheel.demo.catalogue import draw_issue, load_catalogue
from deskwheel.settings import TrainSettings
from train.data.training_set import ChatRow
from train.finetune.batches import Frame, collate, lay_side_by_side
from train.finetune.engine import Job
from train.finetune.loop import train_adapter
from train.finetune.packed import Example, PackedSet, pack_examples
from train.finetune.packing import pack
from train.finetune.sft import train_by_sft
from train.finetune.varlen import attending_by_length
from train.model import generate, load_tokenizer, manifest_of, render

NAME = "train_gpu"
PUBLISHED_TOKENS_PER_S = 12_472.87
TARGET_TOKENS_PER_S = 10_000
PEAK_FLOPS: Mapping[str, float] = {
    "H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "B200": 2250e12, "A100": 312e12,
    "L40S": 362e12, "RTX 4090": 165e12,
}  # fmt: skip
"""Dense bfloat16 by part of a device's name, longer names first. Source: NVIDIA data sheets."""

LOG_STEPS = 10
LENGTHS = (120, 480)
SEED = 3
PATH_STEPS = 120
LIVES_ON = 1_000
"""Steps between two model checkpoints: more than are trained, so that none is timed."""

claim = claims_of(NAME)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is trained."""

    config: LlamaConfig
    length: int
    """Tokens of a sequence."""
    steps: int
    accumulation: int
    device: str


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a tiny shape on the CPU")
    parser.add_argument("--steps", type=int, default=40, help="optimizer steps a way (40)")
    add_json_option(parser)
    options = parser.parse_args(argv)
    if not options.smoke and not torch.cuda.is_available():
        parser.error("torch sees no GPU here; --smoke runs a tiny shape on the CPU")
    shape = tiny_shape() if options.smoke else llama_8b(options.steps)
    began = time.perf_counter()
    model: Any = new_model(shape)
    parameters = sum(p.numel() for p in model.parameters())
    made_s = time.perf_counter() - began
    print(f"{parameters / 1e9:.3f} B parameters on {device_name(shape)}, made in {made_s:.1f} s")
    claims: list[Claim] = []
    ways = {"full": full_sequences(shape), "packed": packed_sequences(shape)}
    for way, packed in {**ways, "plain": ways["packed"]}.items():
        compiling = "off" if way == "plain" else "auto"
        try:
            rates = train_way(shape, packed, model or new_model(shape), compiling=compiling)
        except torch.OutOfMemoryError as error:
            print(f"{way}: not measured, the GPU's memory is too small: {error}"[:200])
            return 1
        model = None
        claims += judge(way, rates, packed, parameters, shape)
        print(f"{way}: {statistics.median(rates):,.0f} tok/s", flush=True)
    claims += [*gradient_claims(shape, ways["packed"]), *full_path(shape)]
    return report(claims, options.json)


def llama_8b(steps: int) -> Shape:
    """Llama 3 8B. Source: its `config.json`."""
    config = LlamaConfig(
        vocab_size=128_256, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32,
        num_attention_heads=32, num_key_value_heads=8, max_position_embeddings=8192,
        rms_norm_eps=1e-5, rope_theta=500_000.0, tie_word_embeddings=False,
        bos_token_id=128_000, eos_token_id=128_001,
    )  # fmt: skip
    return Shape(config=config, length=4096, steps=steps, accumulation=4, device="cuda")


def tiny_shape() -> Shape:
    """Two layers, for a CPU."""
    config = LlamaConfig(
        vocab_size=2048, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
        tie_word_embeddings=False, bos_token_id=None, eos_token_id=2,
    )  # fmt: skip
    return Shape(config=config, length=512, steps=2 * LOG_STEPS, accumulation=1, device="cpu")


def new_model(shape: Shape) -> Any:
    """The base with random weights, made where it will be used."""
    torch.manual_seed(SEED)
    with torch.device(shape.device):
        model = LlamaForCausalLM(shape.config)
        if shape.device == "cuda":
            model = model.to(torch.bfloat16)
    return model.eval()


def full_sequences(shape: Shape) -> PackedSet:
    """One example a sequence, without padding."""
    count = shape.steps * shape.accumulation
    examples = draw_examples([shape.length] * count, shape.config.vocab_size)
    return pack_examples(examples, [[number] for number in range(count)])


def packed_sequences(shape: Shape) -> PackedSet:
    """Short examples, packed as a real run packs them."""
    rng = random.Random(SEED)
    mean = sum(LENGTHS) / 2
    count = int(shape.steps * shape.accumulation * shape.length / mean)
    examples = draw_examples([rng.randint(*LENGTHS) for _ in range(count)], shape.config.vocab_size)
    return pack_examples(examples, pack([len(e.ids) for e in examples], shape.length))


def draw_examples(lengths: Sequence[int], vocabulary: int) -> list[Example]:
    """Random tokens, of which the second half is the answer."""
    rng = np.random.default_rng(SEED)
    return [
        Example(
            ids=rng.integers(4, vocabulary, size=length).astype(np.int32),
            prompt_tokens=length // 2,
        )
        for length in lengths
    ]


def train_way(shape: Shape, packed: PackedSet, model: Any, *, compiling: str) -> list[float]:
    """Useful tokens a second of each ten steps after the first ten, which warm up and compile."""
    is_gpu = shape.device == "cuda"
    if is_gpu:
        torch.cuda.reset_peak_memory_stats()
    settings = replace(
        TrainSettings(), use_gpu=is_gpu, steps=shape.steps, max_length=shape.length,
        batch_size=1, accumulation=shape.accumulation, lora_r=16, checkpoint_steps=LIVES_ON,
        compile=compiling,
    )  # fmt: skip
    seen: list[float] = []

    def keep(metrics: Mapping[str, float], folder: Path | None) -> None:
        if folder is None and "tokens_per_s" in metrics:
            seen.append(metrics["tokens_per_s"])

    tokenizer = load_tokenizer(TrainSettings())
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            settings=settings,
            train=packed,
            dev=None,
            model=model,
            tokenizer=tokenizer,
            manifest=manifest_of(model, tokenizer, base_model=settings.base_model),
            precision="bf16" if is_gpu else "fp32",
            workers=1,
            directory=Path(folder),
            report=keep,
        )
        train_by_sft(job, None)
    if is_gpu:
        gc.collect()  # a trainer and its callback hold each other, and both the model
        torch.cuda.empty_cache()
    return seen[1:] or seen


def judge(
    way: str, rates: Sequence[float], packed: PackedSet, parameters: int, shape: Shape
) -> list[Claim]:
    """Tokens a second, MFU and memory of one way."""
    rate = statistics.median(rates)
    is_gpu = shape.device == "cuda"
    where = f"{device_name(shape)}; {packed.tokens / len(packed):,.0f} useful tokens a sequence"
    if not is_gpu:
        return [claim(f"{way}.tokens_per_s", rate, "tok/s", "", f"smoke run: {where}")]
    beside = f"{rate / PUBLISHED_TOKENS_PER_S:.2f} x the published {PUBLISHED_TOKENS_PER_S:,.0f}"
    target = f">= {TARGET_TOKENS_PER_S}"
    claims = [claim(f"{way}.tokens_per_s", rate, "tok/s", target, f"{beside}; {where}")]
    peak = next((p for name, p in PEAK_FLOPS.items() if name in device_name(shape)), None)
    if peak is not None:
        mfu = 4 * parameters * rate / peak
        published = 4 * parameters * PUBLISHED_TOKENS_PER_S / PEAK_FLOPS["H100"]
        peer = f"4 N, of {peak / 1e12:,.0f} TFLOP/s; the published figure is {published:.3f}"
        claims.append(claim(f"{way}.mfu", mfu, "", "", peer))
    gib = torch.cuda.max_memory_allocated() / 2**30
    return [*claims, claim(f"{way}.memory", gib, "GiB", "", "peak of tensors")]


def gradient_claims(shape: Shape, packed: PackedSet) -> list[Claim]:
    """How far gradients of a bfloat16 pass are from float32's, by length and with a mask."""
    if shape.device != "cuda":
        return []
    rows = [lay_side_by_side(packed.examples(0))]
    masked = Frame(width=shape.length, examples=1)
    by_length = replace(masked, examples=packed.most_examples)
    small = replace(shape, config=replace_layers(shape.config, 2))
    model = new_model(small)
    with attending_by_length(model):
        found = gradients(model, collate(rows, 0, by_length))
    beside = gradients(model, collate(rows, 0, masked))
    exact = gradients(model.float(), collate(rows, 0, masked))
    size = float(exact.norm())
    far, with_mask = (float((g - exact).norm()) / size for g in (found, beside))
    peer = f"first queries of 2 layers against float32's; with a mask {with_mask:.4f}"
    return [claim("gradient.off", far, "", f"<= {1.5 * with_mask:.4f}", peer)]


def replace_layers(config: LlamaConfig, layers: int) -> LlamaConfig:
    """The same shape with fewer layers."""
    return LlamaConfig(**{**config.to_dict(), "num_hidden_layers": layers})


def gradients(model: Any, batch: Mapping[str, Any]) -> torch.Tensor:
    """What the first layer's queries are told: float32[elements]."""
    model.zero_grad()
    on_device = {k: v.cuda() if torch.is_tensor(v) else v for k, v in batch.items()}
    model(**on_device, use_cache=False).loss.backward()
    told: torch.Tensor = model.model.layers[0].self_attn.q_proj.weight.grad
    return told.float().flatten()


def full_path(shape: Shape) -> list[Claim]:
    """The demo's base on this device: examples to an adapter to answers, and how long it took."""
    is_gpu = shape.device == "cuda"
    steps = PATH_STEPS if is_gpu else 2
    settings = replace(TrainSettings(), use_gpu=is_gpu, steps=steps, precision="auto")
    rows = company_rows(600)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = train_adapter(
            rows, settings, directory=Path(folder), report=lambda metrics, checkpoint: None
        )
        trained_s = time.perf_counter() - began
        prompts = [render(outcome.tokenizer, row.messages()) for row in rows[:8]]
        answers = generate(outcome.tokenizer, outcome.model, prompts, max_new_tokens=32)
    total_s = time.perf_counter() - began
    print(f"asked: {rows[0].query}\nanswered: {answers[0]}")
    where = f"{len(rows)} examples, {steps} steps, demo base on {device_name(shape)}"
    return [
        claim("path.adapter", trained_s, "s", "", where),
        claim("path.answers", total_s - trained_s, "s", "", f"{len(answers)} answers at once"),
    ]


def company_rows(count: int) -> list[ChatRow]:
    """Issues of the demo's company with their ideal answers."""
    rng, catalogue = random.Random(SEED), load_catalogue()
    issues = [draw_issue(catalogue, rng) for _ in range(count)]
    return [
        ChatRow(
            example_id=f"ex-{n:04}", conversation_id=f"conv-{n:04}", query=issue.query,
            context="", response=issue.answer,
        )
        for n, issue in enumerate(issues)
    ]  # fmt: skip


def device_name(shape: Shape) -> str:
    """What the numbers were measured on."""
    return str(torch.cuda.get_device_name()) if shape.device == "cuda" else "a CPU"


if __name__ == "__main__":
    raise SystemExit(main())
