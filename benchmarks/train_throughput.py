"""How many useful tokens a second each engine learns from on a CPU, beside a plain trainer.

`python -m benchmarks.train_throughput` trains the demo's base on pairs mined from simulated
conversations, the same pairs in the same number of epochs, on two threads:

- plain: `transformers.Trainer` with its defaults (batches of 8, padded to their longest, float32);
- sft: our default path, TRL over packed sequences in the precision that the probe chooses;
- fast: our loop for tiny models, in that precision.

A token is useful if it is real, of prompt or answer; padding is not. Only steps are timed, not the
start of a trainer. Each way trains in a process of its own, in turns, and the medians are compared,
of time on the clock and of CPU time, which says more where others use the machine; the loss is that
of the trained adapter on dev, measured in the same way for all.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.claims import Claim, add_json_option, report
from deskwheel.demo.catalogue import load_catalogue
from deskwheel.records import Channel, Conversation, Redaction, Utterance
from deskwheel.settings import TrainSettings
from ingest.simulate.dialogue import write_dialogue
from ingest.simulate.names import counted
from ingest.simulate.people import draw_customer
from train.data.training_set import ChatRow
from transforms.pairs.mine import mine_pairs

WAYS = ("plain", "sft", "fast")
EXAMPLES, DEV, EPOCHS, ROUNDS = 320, 80, 2, 3
PLAIN_BATCH = 8
THREADS = 2
Seconds = tuple[float, float]
_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_CHANNELS: tuple[Channel, ...] = ("chat", "email", "call")


def rows(count: int, *, seed: int = 1, categories: frozenset[str] = frozenset()) -> list[ChatRow]:
    """Ideal pairs as `transforms` mines them from the load generator's conversations.

    With `categories`, of conversations about these alone.
    """
    rng, catalogue, name = random.Random(seed), load_catalogue(), counted(seed)
    found: list[ChatRow] = []
    while len(found) < count:
        channel = rng.choice(_CHANNELS)
        dialogue = write_dialogue(
            catalogue, rng, channel=channel, customer=draw_customer(rng, name), messiness=1.0,
            name=name,
        )  # fmt: skip
        about = {issue.category for issue in dialogue.issues}
        if categories and not about <= categories:
            continue
        said = [
            Utterance(turn_id=str(n), role=line.role, text=line.text, sent_at=_NOON,
                      authorship="human")
            for n, line in enumerate(dialogue.lines)
        ]  # fmt: skip
        mined = mine_pairs(_conversation(dialogue.conversation_id, channel, said))
        found += [
            ChatRow(
                example_id=f"ex-{len(found) + n:05}", conversation_id=e.conversation_id,
                query=e.query, context=e.context, response=e.response,
                category=dialogue.issues[0].category,
            )
            for n, e in enumerate(mined)
            if e.kind == "ideal"
        ]  # fmt: skip
    return found[:count]


def _conversation(name: str, channel: Channel, said: Sequence[Utterance]) -> Conversation:
    return Conversation(
        conversation_id=name, version=1, tenant="t", channel=channel, subject_key=None,
        agent_key=None, opened_at=_NOON, closed_at=_NOON, close_reason="idle", utterances=said,
        status="solved", csat=None, resolution_probability=0.9, resolution="resolved",
        evidence=(), category="OTHER", sentiment="neutral",
        redaction=Redaction(version="r", counts={}), ruleset_version="", code_version="",
        batch_id=0,
    )  # fmt: skip


def now() -> tuple[float, float]:
    """Seconds on the clock and of this process on all CPUs."""
    return time.perf_counter(), time.process_time()


def train_plain(examples: Sequence[Any], settings: TrainSettings) -> tuple[Any, Seconds]:
    """The trained model and the time of its steps, by `transformers.Trainer` as it comes."""
    from datasets import Dataset  # noqa: PLC0415
    from peft import get_peft_model  # noqa: PLC0415
    from transformers import Trainer, TrainerCallback, TrainingArguments  # noqa: PLC0415
    from transformers.data import DataCollatorForSeq2Seq  # noqa: PLC0415

    from train.finetune.batches import IGNORED  # noqa: PLC0415
    from train.finetune.methods import adapter_config  # noqa: PLC0415
    from train.model import load_base, load_tokenizer  # noqa: PLC0415

    class Clock(TrainerCallback):
        began = (0.0, 0.0)

        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            self.began = self.began if self.began[0] else now()

    plain = [
        {
            "input_ids": e.ids.tolist(),
            "attention_mask": [1] * len(e.ids),
            "labels": [IGNORED] * e.prompt_tokens + e.ids[e.prompt_tokens :].tolist(),
        }
        for e in examples
    ]
    tokenizer = load_tokenizer(settings)
    tokenizer.padding_side = "right"
    clock = Clock()
    trainer = Trainer(
        model=get_peft_model(load_base(settings), adapter_config(settings)),
        args=TrainingArguments(
            output_dir=tempfile.mkdtemp(), num_train_epochs=EPOCHS, learning_rate=settings.lr,
            lr_scheduler_type="cosine", warmup_steps=5, per_device_train_batch_size=PLAIN_BATCH,
            use_cpu=True, save_strategy="no", report_to="none", disable_tqdm=True,
            logging_steps=10, seed=settings.seed,
        ),
        train_dataset=Dataset.from_list(plain),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        callbacks=[clock],
    )  # fmt: skip
    trainer.train()
    ended = now()
    return trainer.model, (ended[0] - clock.began[0], ended[1] - clock.began[1])


def train_ours(examples: Sequence[Any], settings: TrainSettings, way: str) -> tuple[Any, Seconds]:
    """The trained model and the time of its steps, by one of our engines."""
    from train.finetune.loop import train_adapter  # noqa: PLC0415
    from train.finetune.packed import pack_examples  # noqa: PLC0415
    from train.finetune.packing import pack  # noqa: PLC0415

    packed = pack_examples(examples, pack([len(e.ids) for e in examples], settings.max_length))
    steps = round(EPOCHS * len(packed) / settings.global_batch)
    times: list[Seconds] = []
    settings = replace(settings, engine=way, steps=steps, checkpoint_steps=10**6, patience=0)
    with tempfile.TemporaryDirectory() as folder:
        outcome = train_adapter(
            packed, settings, directory=Path(folder),
            report=lambda _, __: times.append(now()),
        )  # fmt: skip
    # The first report comes after the first step, which also pays for what is made once.
    wall, cpu = (
        (last - first) * steps / (steps - 1)
        for first, last in zip(times[0], times[-1], strict=True)
    )
    return outcome.model, (wall, cpu)


def measure_one(way: str, count: int, threads: int) -> dict[str, float]:
    """What one way gives on this machine now: tokens a second, and the loss on dev."""
    import torch  # noqa: PLC0415

    from train.finetune.encode import encode  # noqa: PLC0415
    from train.finetune.lean import LeanLlama, lay_out  # noqa: PLC0415
    from train.model import load_tokenizer  # noqa: PLC0415

    torch.set_num_threads(threads)
    settings = TrainSettings(lr=2e-3, threads=threads, batch_size=2, global_batch=2)
    tokenizer = load_tokenizer(settings)
    examples = encode(rows(count + DEV), tokenizer, settings).examples
    learnt, dev = examples[:-DEV], examples[-DEV:]
    if way == "plain":
        model, seconds = train_plain(learnt, settings)
    else:
        model, seconds = train_ours(learnt, settings, way)
    lean = LeanLlama(model, dtype=torch.float32)
    lean.merge()
    flat = lay_out(dev)
    with torch.no_grad():
        loss = float(lean.loss(flat)) / len(flat.labels)
    tokens = EPOCHS * sum(len(e.ids) for e in learnt)
    return {"wall": tokens / seconds[0], "cpu": tokens / seconds[1], "dev_loss": loss}


def measure(count: int, rounds: int, threads: int) -> list[Claim]:
    """All ways in turns, each in a process of its own."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS if number % 2 else WAYS[::-1]:
            command = [sys.executable, "-m", "benchmarks.train_throughput", "--way", way]
            command += ["--examples", str(count), "--threads", str(threads)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
    told = f"median of {rounds}; {count} pairs, {EPOCHS} epochs, {threads} threads"
    middle = {
        way: {name: median(f[name] for f in found[way]) for name in found[way][0]} for way in WAYS
    }
    plain = middle["plain"]
    claims = [_claim("plain_rate", plain["wall"], "tok/s", "", f"useful tokens; {told}")]
    for way, target in (("sft", ">= 2"), ("fast", ">= 4")):
        ours = middle[way]
        losses = f"{ours['dev_loss']:.3f} on dev, plain trainer {plain['dev_loss']:.3f}"
        claims += [
            _claim(f"{way}_rate", ours["wall"], "tok/s", "", "the same pairs"),
            _claim(f"{way}_ratio", ours["wall"] / plain["wall"], "×", target, "plain trainer"),
            _claim(f"{way}_cpu_ratio", ours["cpu"] / plain["cpu"], "×", "", "by CPU time"),
            _claim(f"{way}_loss", ours["dev_loss"] - plain["dev_loss"], "nats", "<= 0.05", losses),
        ]
    return claims


def _claim(name: str, value: float, unit: str, target: str, peer: str) -> Claim:
    return Claim(id=f"train_throughput.{name}", value=value, unit=unit, target=target, peer=peer)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="pairs to learn from")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each way")
    parser.add_argument("--way", choices=WAYS, help="measure this one and print JSON")
    parser.add_argument("--threads", type=int, default=THREADS, help="of each way")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    if arguments.way:
        print(json.dumps(measure_one(arguments.way, arguments.examples, arguments.threads)))
        return 0
    claims = measure(arguments.examples, arguments.rounds, arguments.threads)
    return report(claims, arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
