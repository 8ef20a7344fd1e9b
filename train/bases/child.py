"""One candidate's measurements, in a process of its own: `python -m train.bases.child ORDER`.

Reads the order (a JSON file: settings, plan, texts); writes one JSON line on standard output for
each thing it begins (`doing`), has found (`part`), or cannot do (`problem`). What libraries print
goes to standard error. A process a candidate keeps its memory apart from the others' and lets one
fail alone.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from deskwheel.errors import DeskwheelError
from deskwheel.settings import TrainSettings
from train.bases.facts import config_facts, model_facts, tag_rates, tokenizer_facts
from train.bases.plan import TIMED_TOKENS, Plan
from train.bases.score import answer_nlls, answer_scores, fitting_shots
from train.bases.speed import measure_speed, peak_bytes
from train.bases.tune import recipe_for, tune
from train.data.training_set import ChatRow
from train.model import load_base, load_tokenizer, render

_TAGGED_ROWS = 1000
_UNKNOWN_CONTEXT = 2048

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What this process is asked to measure."""

    train: TrainSettings
    """Its `base_model` is the candidate's folder or id."""
    is_local: bool
    plan: Plan
    rows: Mapping[str, list[ChatRow]]
    """By split."""
    tags: Mapping[str, Mapping[str, str]]


def main() -> int:
    """Measure, say what was found, and return 0; 1 after a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("order", type=Path)
    order = read_order(parser.parse_args().order)
    say = _own_output()
    try:
        measure(order, say)
    except torch.OutOfMemoryError:
        say({"problem": "out of memory on the GPU; a smaller candidate, or a larger GPU"})
    except DeskwheelError as error:
        say({"problem": str(error)})
    except Exception as error:  # whatever a stranger's model does is its row
        say({"problem": f"{type(error).__name__}: {error}"[:500]})
        raise
    else:
        return 0
    return 1


def read_order(file: Path) -> Order:
    """The order in a file, as the parent wrote it."""
    body = json.loads(file.read_text(encoding="utf-8"))
    return Order(
        train=TrainSettings(**body["train"]),
        is_local=body["is_local"],
        plan=Plan(**{**body["plan"], "sizes": tuple(body["plan"]["sizes"])}),
        rows={split: [ChatRow(**row) for row in rows] for split, rows in body["rows"].items()},
        tags=body["tags"],
    )


def measure(order: Order, say: Say) -> None:
    """Say everything about a candidate, the cheap and sure things first."""
    plan, rows, settings = order.plan, order.rows, order.train
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    say({"doing": "tokenizer"})
    source = _source(order)
    sampled = rows["train"][:_TAGGED_ROWS]
    facts = config_facts(source)
    say({"part": "facts", "value": facts | tokenizer_facts(source, sampled)})
    tokenizer = load_tokenizer(settings)
    say({"part": "tag_rates", "value": tag_rates(tokenizer, sampled, order.tags)})
    say({"doing": "weights"})
    model = load_base(settings)
    say({"part": "model", "value": model_facts(model)})
    _measure_untuned(order, tokenizer, model, say)
    device = model.device.type
    del model
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    recipe = recipe_for(facts["model_type"], settings, steps=plan.steps)
    for size in plan.sizes_for(len(rows["train"])):
        say({"doing": f"fine-tune on {size} examples, {plan.steps} steps"})
        started = time.perf_counter()
        point = tune(rows["train"][:size], recipe, dev=rows["dev"], test=rows["test"])
        point |= {"seconds": time.perf_counter() - started, "peak_bytes": peak_bytes(device)}
        say({"part": "tuned", "value": point})


def _measure_untuned(order: Order, tokenizer: Any, model: Any, say: Say) -> None:
    plan, rows = order.plan, order.rows
    test, asked = rows["test"], rows["test"][: plan.answers]
    config = model.config.get_text_config()
    context = int(getattr(config, "max_position_embeddings", 0) or _UNKNOWN_CONTEXT)
    # Speed first: the batches of the likelihood need more memory than one answer.
    say({"doing": "speed"})
    prompts = [render(tokenizer, row.messages()) for row in asked]
    tokens = min(TIMED_TOKENS, plan.max_new_tokens)
    speed = measure_speed(tokenizer, model, prompts, tokens=tokens)
    say({"part": "speed", "value": {**speed, "peak_bytes": peak_bytes(model.device.type)}})

    shots = rows["train"][: plan.shots]
    shots = fitting_shots(tokenizer, test, shots, limit=context - plan.max_new_tokens)
    say({"doing": f"likelihood of {len(test)} answers"})
    say({"part": "zero_shot", "value": answer_nlls(tokenizer, model, test)})
    nll = answer_nlls(tokenizer, model, test, shots=shots)
    say({"part": "few_shot", "value": {"shots": len(shots), "nll": nll}})
    say({"doing": f"{len(asked)} answers"})
    scores = answer_scores(tokenizer, model, asked, shots=shots, max_new_tokens=plan.max_new_tokens)
    say({"part": "scores", "value": scores})


def _source(order: Order) -> dict[str, Any]:
    revision = {} if order.is_local else {"revision": order.train.base_revision}
    return {
        "pretrained_model_name_or_path": order.train.base_model,
        "local_files_only": order.is_local,
        **revision,
    }


def _own_output() -> Say:
    """Standard output for this file alone; whatever else is printed goes to standard error."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        own.write(json.dumps(message) + "\n")
        own.flush()

    return cast(Say, say)


if __name__ == "__main__":
    sys.exit(main())
