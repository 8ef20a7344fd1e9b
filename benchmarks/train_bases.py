"""Whether losses predicted from small fine-tunes meet the measured one at four times the size.

`python -m benchmarks.train_bases [--pairs FILE] [--steps N]`

Bases: the demo's, the same without its upper layers, and the same with its inner weights drawn
anew. Each is fine-tuned on 32 to 256 examples and on 1,024, with the same steps; the law is fitted
to the small ones only. The peer is what one would do without it: take the loss at 256 for that at
1,024. FILE is JSON Lines as `train bases compare --data` takes them; without it customers of the
demo's company ask. About six minutes on two cores.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.claims import Claim, add_json_option, claims_of, report
from deskwheel.demo.catalogue import draw_issue, load_catalogue
from deskwheel.settings import TrainSettings
from train.bases.law import Prediction, predict, resample
from train.bases.score import bits_per_byte, byte_length
from train.bases.texts import Texts, texts_of_file
from train.bases.tune import recipe_for, tune
from train.files import base_location
from train.model import load_tokenizer

SIZES = (32, 64, 128, 256)
LARGE = 1024
HELD_OUT = 100
DRAWS = 200
MADE_UP = 1700
SHALLOW_LAYERS = 2
NAME = "train_bases"

claim = claims_of(NAME)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="JSON lines: query, response")
    parser.add_argument("--steps", type=int, default=160, help="steps of a fine-tune (160)")
    add_json_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = options.pairs or made_up(Path(scratch) / "pairs.jsonl")
        texts = texts_of_file(file, train=LARGE, held_out=HELD_OUT)
        bases = {
            "demo": Path(base_location("demo")),
            "shallow": shallow_base(Path(scratch) / "shallow"),
            "fresh": fresh_base(Path(scratch) / "fresh"),
        }
        losses = {
            name: measure(name, folder, texts, steps=options.steps)
            for name, folder in bases.items()
        }
    return report(judge(losses, texts), options.json)


def made_up(file: Path) -> Path:
    """Issues of the demo's company with their ideal answers."""
    rng, catalogue = random.Random(11), load_catalogue()
    issues = [draw_issue(catalogue, rng) for _ in range(MADE_UP)]
    lines = [
        {"query": i.query, "response": i.answer, "conversation_id": f"c{n}"}
        for n, i in enumerate(issues)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def shallow_base(folder: Path) -> Path:
    """The demo base with its first layers only."""
    config = AutoConfig.from_pretrained(base_location("demo"))
    config.num_hidden_layers = SHALLOW_LAYERS
    model = AutoModelForCausalLM.from_pretrained(base_location("demo"), config=config)
    return save(model, folder)


def fresh_base(folder: Path) -> Path:
    """The demo base that keeps its embeddings and has to learn the rest."""
    torch.manual_seed(5)
    known = AutoModelForCausalLM.from_pretrained(base_location("demo"))
    model = AutoModelForCausalLM.from_config(known.config)
    model.get_input_embeddings().load_state_dict(known.get_input_embeddings().state_dict())
    return save(model, folder)


def save(model: Any, folder: Path) -> Path:
    """A model's folder, with the demo's tokenizer."""
    model.save_pretrained(folder)
    load_tokenizer(TrainSettings()).save_pretrained(folder)
    return folder


def measure(name: str, folder: Path, texts: Texts, *, steps: int) -> dict[int, list[float]]:
    """Nats of each test answer by size."""
    settings = replace(
        TrainSettings(), base_model=str(folder), engine="fast", lr=5e-3, accumulation=1
    )  # as the demo trains it
    recipe = recipe_for("llama", settings, steps=steps)
    found = {}
    for size in (*SIZES, LARGE):
        point = tune(texts.train[:size], recipe, dev=texts.dev, test=texts.test)
        found[size] = point["nll"]
        rate = bits_per_byte(point["nll"], [row.response for row in texts.test])
        print(
            f"{name:<8} {size:>5} examples: {rate:.4f} bits/byte, best step {point['step']}",
            flush=True,
        )
    return found


def judge(losses: Mapping[str, Mapping[int, Sequence[float]]], texts: Texts) -> list[Claim]:
    """What the predictions were worth."""
    answers = [row.response for row in texts.test]
    sizes_bytes = [byte_length(answer) for answer in answers]
    measured = {name: bits_per_byte(nll[LARGE], answers) for name, nll in losses.items()}
    last = {name: bits_per_byte(nll[SIZES[-1]], answers) for name, nll in losses.items()}
    predicted = {name: _predict(nll, answers, sizes_bytes) for name, nll in losses.items()}
    claims = []
    for name, truth in measured.items():
        found = predicted[name]
        claims.append(claim(
            f"{name}.error", abs(found.loss - truth), "bit/B", "<= 0.1",
            f"{found.loss:.3f} ± {found.margin:.3f} predicted, {truth:.3f} measured at {LARGE:,};"
            f" the loss at {SIZES[-1]} misses it by {abs(last[name] - truth):.3f}",
        ))  # fmt: skip
    inside = sum(abs(predicted[n].loss - t) <= predicted[n].margin for n, t in measured.items())
    order = sorted(measured, key=measured.__getitem__)
    is_right = order == sorted(predicted, key=lambda name: predicted[name].loss)
    claims.append(claim("inside", inside, "", "", f"of {len(measured)} 95 % intervals"))
    claims.append(claim("rank", int(is_right), "", "== 1", f"measured: {' < '.join(order)}"))
    return claims


def _predict(
    nll: Mapping[int, Sequence[float]], answers: Sequence[str], sizes_bytes: Sequence[int]
) -> Prediction:
    small = {size: nll[size] for size in SIZES}
    points = [(size, bits_per_byte(values, answers)) for size, values in small.items()]
    resampled = resample(small, sizes_bytes, draws=DRAWS, seed=1)
    return predict(points, LARGE, resampled=resampled)


if __name__ == "__main__":
    raise SystemExit(main())
