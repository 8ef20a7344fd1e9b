"""What a warm start costs and forgets, beside a retrain from the base, by share of replay.

`python -m benchmarks.train_continual` has two windows of pairs, mined from simulated conversations
as `benchmarks.train_throughput` mines them. The older one is about half of the categories of the
demo's company, and the newer one about the other half: the hardest case, as nothing of the newer
window repeats the older one. A champion learns the older window from the base. Then both windows
are learnt from the base (`retrain`), or the champion goes on with the newer one and a replay of the
older, stratified by category (`warm`), at several shares. Each way has so many steps that it sees
its examples the same number of times; `warm .3, long` has the steps of the retrain, as
`train.steps` gives them to both.

Losses are means over the tokens of held-out answers, in nats. Forgetting is by how much that of an
older category is above the champion's. CPU time is that of a whole fine-tune, the base's loading
included, by the fast engine. About seven minutes on two cores.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.train_throughput import rows
from deskwheel.settings import TrainSettings
from train.continual.replay import choose_replay, replay_size
from train.data.training_set import ChatRow
from train.files import export_adapter
from train.finetune.encode import encode
from train.finetune.lean import LeanLlama, lay_out
from train.finetune.loop import Outcome, train_adapter
from train.finetune.precision import choose_precision
from train.finetune.prepare import pack_chats
from train.model import load_tokenizer

OLDER = ("BILLING", "SETUP", "WARRANTY")
NEWER = ("ACCOUNT", "DELIVERY", "RETURNS")
CATEGORIES = (*OLDER, *NEWER)
OLDER_ROWS, NEWER_ROWS, DEV_ROWS = 240, 120, 100
EPOCHS, SEEDS = 3, 2
SHARES = (0.0, 0.1, 0.3, 0.5)
DEFAULT_SHARE = TrainSettings().replay_share
MARGIN = 0.02
"""Nats a token that count as forgotten; `train.preference_loss_margin` allows as much."""
LONG_SHARE = 0.3
"""Of which more steps are tried, too."""
_LONG = f"warm {LONG_SHARE:g}, long"

claim = claims_of("train_continual")


@dataclass(frozen=True, kw_only=True)
class Windows:
    """What there is to learn, and what is held out."""

    older: Sequence[ChatRow]
    newer: Sequence[ChatRow]
    dev: Sequence[ChatRow]


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What one way costs and knows, for one seed."""

    examples: int
    steps: int
    cpu_s: float
    losses: Mapping[str, float]
    """Category, `older` and `newer` → nats a token on dev."""


def draw_windows(seed: int) -> Windows:
    """Two windows of one seed, and held-out pairs of both in later conversations."""
    older, newer = (
        [
            replace(row, example_id=f"{name}-{n:05}")
            for n, row in enumerate(
                rows(count + DEV_ROWS, seed=seed, categories=frozenset(categories))
            )
        ]
        for name, categories, count in (
            ("older", OLDER, OLDER_ROWS),
            ("newer", NEWER, NEWER_ROWS),
        )
    )
    dev = [*older[OLDER_ROWS:], *newer[NEWER_ROWS:]]
    return Windows(older=older[:OLDER_ROWS], newer=newer[:NEWER_ROWS], dev=dev)


class Course:
    """Trains and measures with one set of settings."""

    def __init__(self, dev: Sequence[ChatRow], settings: TrainSettings) -> None:
        """Encode the held-out pairs once."""
        self._settings = settings
        self._tokenizer = load_tokenizer(settings)
        self._dev = {
            name: encode(
                [row for row in dev if row.category in parts], self._tokenizer, settings
            ).examples
            for name, parts in _slices().items()
        }

    def steps_of(self, learnt: Sequence[ChatRow]) -> int:
        """Optimizer steps in which some rows are learnt `EPOCHS` times."""
        packed = pack_chats(learnt, self._tokenizer, self._settings)
        return math.ceil(EPOCHS * len(packed) / self._settings.global_batch)

    def train(
        self,
        learnt: Sequence[ChatRow],
        *,
        steps: int = 0,
        start_from: Path | None = None,
        keep: Path | None = None,
    ) -> Learnt:
        """Learn rows from the base or from an adapter; `keep` is where the new adapter is put."""
        steps = steps or self.steps_of(learnt)
        settings = replace(self._settings, steps=steps, checkpoint_steps=steps)

        def store(_: Any, checkpoint: Path | None) -> None:
            if checkpoint is not None and keep is not None:
                export_adapter(checkpoint, keep)

        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            outcome = train_adapter(
                learnt, settings, directory=Path(folder), report=store, start_from=start_from
            )
        cpu_s = time.process_time() - began
        return Learnt(examples=len(learnt), steps=steps, cpu_s=cpu_s, losses=self._losses(outcome))

    def _losses(self, outcome: Outcome) -> dict[str, float]:
        lean = LeanLlama(outcome.model, dtype=torch.float32)
        lean.merge()
        found = {}
        with torch.no_grad():
            for name, examples in self._dev.items():
                flat = lay_out(examples)
                found[name] = float(lean.loss(flat)) / len(flat.labels)
        return found


def _slices() -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in CATEGORIES} | {"older": OLDER, "newer": NEWER}


def measure(seed: int, settings: TrainSettings) -> dict[str, Learnt]:
    """Every way with the windows of one seed, the champion first."""
    windows = draw_windows(seed)
    course = Course(windows.dev, replace(settings, seed=seed))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        champion = Path(folder) / "champion"
        found["champion"] = course.train(windows.older, keep=champion)
        found["retrain"] = course.train([*windows.older, *windows.newer])
        for share in SHARES:
            size = replay_size(len(windows.newer), share)
            replay = choose_replay(windows.older, size, salt=str(seed))
            learnt = [*windows.newer, *replay]
            found[f"warm {share:g}"] = course.train(learnt, start_from=champion)
            if share == LONG_SHARE:
                steps = found["retrain"].steps
                found[_LONG] = course.train(learnt, steps=steps, start_from=champion)
    return found


def table(found: Mapping[str, Sequence[Learnt]]) -> list[str]:
    """A Markdown table of all ways: means over the seeds."""
    lines = [
        "| Way | Examples | Steps | CPU s | " + " | ".join(_slices()) + " |",
        "|---" * (4 + len(_slices())) + "|",
    ]
    for way, runs in found.items():
        cost = f"{runs[0].examples} | {mean(r.steps for r in runs):.0f}"
        losses = " | ".join(f"{_loss(runs, name):.3f}" for name in _slices())
        lines.append(f"| {way} | {cost} | {mean(r.cpu_s for r in runs):.0f} | {losses} |")
    return lines


def _loss(runs: Sequence[Learnt], name: str) -> float:
    return mean(run.losses[name] for run in runs)


def judge(found: Mapping[str, Sequence[Learnt]]) -> list[Claim]:
    """What is forgotten at each share, and what the default one saves."""
    champion, retrain = found["champion"], found["retrain"]
    claims = []
    for way, runs in found.items():
        if not way.startswith("warm"):
            continue
        name = way.replace(" ", "_").replace(",", "")
        lost = {c: _loss(runs, c) - _loss(champion, c) for c in OLDER}
        worst = max(lost, key=lost.__getitem__)
        each = ", ".join(f"{r.losses['older'] - c.losses['older']:+.3f}"
                         for r, c in zip(runs, champion, strict=True))  # fmt: skip
        wanted = f"<= {MARGIN:g}" if way == f"warm {DEFAULT_SHARE:g}" else ""
        claims += [
            claim(f"{name}.forgotten", lost[worst], "nats", wanted,
                  f"the champion, in {worst}, the worst; older window, seed by seed: {each}"),
            claim(f"{name}.newer", _loss(runs, "newer") - _loss(retrain, "newer"), "nats", "",
                  "above a retrain, on the newer window"),
            claim(f"{name}.older", _loss(runs, "older") - _loss(retrain, "older"), "nats", "",
                  "above a retrain, on the older window"),
            claim(f"{name}.cpu", mean(r.cpu_s for r in runs) / mean(r.cpu_s for r in retrain),
                  "×", "", f"of a retrain's {mean(r.cpu_s for r in retrain):.0f} CPU s"),
        ]  # fmt: skip
    return claims


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="how often (2)")
    parser.add_argument("--threads", type=int, default=2, help="of a fine-tune (2)")
    add_json_option(parser)
    options = parser.parse_args(argv)
    settings = TrainSettings(
        engine="fast", lr=5e-3, threads=options.threads, global_batch=1, patience=0
    )  # as the demo trains it
    torch.set_num_threads(options.threads)
    settings = replace(settings, precision=choose_precision(settings))
    found: dict[str, list[Learnt]] = {}
    for seed in range(1, options.seeds + 1):
        for way, learnt in measure(seed, settings).items():
            found.setdefault(way, []).append(learnt)
            losses = f"{learnt.losses['older']:.3f} older, {learnt.losses['newer']:.3f} newer"
            print(f"seed {seed} {way}: {losses}, {learnt.cpu_s:.0f} CPU s", flush=True)
    print(*table(found), sep="\n")
    return report(judge(found), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
