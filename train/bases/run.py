"""Candidates to rows: each in a process of its own, with a time-out, and kept for the next time.

Reads and writes `train.runs_dir`/bases: results by key, and a log a candidate. Texts of customers
travel in a private temporary file that is gone afterwards.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import deskwheel
from deskwheel.engines import engine_environment
from deskwheel.errors import SetupError
from deskwheel.ids import digest
from deskwheel.settings import TrainSettings
from train.bases.candidates import Candidate, find_candidate
from train.bases.plan import Plan, cache_key
from train.bases.texts import Texts

_MEASURING = (
    "bases/child.py", "bases/facts.py", "bases/score.py", "bases/speed.py", "bases/tune.py",
    "data/training_set.py", "finetune/*.py", "judging/metrics.py", "model.py",
)  # fmt: skip
"""Files whose change makes kept results old, in `train`."""

CHILD = "train.bases.child"
"""The module that measures, as a program."""

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of one candidate."""

    name: str
    problem: str = ""
    """Why it was not measured, or not to the end, and what to do; empty when it was."""
    candidate: Candidate | None = None
    """None when it could not be had."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What the child process said, by part; `tuned` is a list of points."""


def measure_candidate(
    name: str,
    settings: TrainSettings,
    plan: Plan,
    texts: Texts,
    *,
    progress: Progress,
    child: str = CHILD,
) -> Row:
    """The row of a candidate; one that fails is a row with a problem.

    A result that is kept under the same key is read instead of measured.

    Args:
        name: folder, hub id, or `demo`.
        settings: the recipe of the micro fine-tunes, and where results are kept.
        plan: what to measure.
        texts: on what.
        progress: takes a line for people.
        child: module that measures, as `CHILD` does.
    """
    try:
        candidate = find_candidate(name, revision=settings.base_revision)
    except SetupError as error:
        progress(f"{name}: not available: {error}")
        return Row(name=name, problem=f"not available: {error}")
    folder = Path(settings.runs_dir) / "bases"
    key = cache_key(
        plan,
        settings,
        fingerprint=candidate.fingerprint,
        data=texts.digest,
        code=code_version(),
    )
    kept = folder / "kept" / f"{key}.json"
    if kept.is_file():
        progress(f"{name}: measured before, read from {kept}")
        return Row(name=name, candidate=candidate, parts=json.loads(kept.read_text("utf-8")))
    log = folder / "logs" / f"{key}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    row = _measure(candidate, settings, plan, texts, log=log, progress=progress, child=child)
    if not row.problem:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(row.parts), encoding="utf-8")
        part.replace(kept)
    return row


def code_version() -> str:
    """The release and a digest of the files that measure.

    Raises:
        FileNotFoundError: a name of `_MEASURING` finds none: kept results would outlive a change.
    """
    root = Path(__file__).parents[1]
    bodies = []
    for name in _MEASURING:
        found = sorted(root.glob(name))
        if not found:
            raise FileNotFoundError(
                f"{root / name}: no such file; correct _MEASURING in {__file__}"
            )
        bodies += [path.read_bytes() for path in found]
    return f"{deskwheel.__version__}-{digest(*bodies)[:12]}"


def _measure(
    candidate: Candidate,
    settings: TrainSettings,
    plan: Plan,
    texts: Texts,
    *,
    log: Path,
    progress: Progress,
    child: str,
) -> Row:
    with tempfile.TemporaryDirectory(prefix="deskwheel-bases-") as scratch:
        order = Path(scratch) / "order.json"
        order.write_text(json.dumps(_order(candidate, settings, plan, texts)), encoding="utf-8")
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", child, str(order)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(candidate),
                start_new_session=True,
            )
            watch = _Watch(process, plan.timeout_s)
            try:
                parts, problem = _listen(process, candidate.name, progress)
            finally:
                watch.end()
    if not problem and process.returncode:
        problem = _death(process.returncode, is_late=watch.is_over, plan=plan, log=log)
    if problem:
        progress(f"{candidate.name}: {problem}")
    return Row(name=candidate.name, candidate=candidate, parts=parts, problem=problem)


class _Watch:
    """Ends a process group when its time is over, or when it must end with us."""

    def __init__(self, child: subprocess.Popen[bytes], timeout_s: float) -> None:
        self._child = child
        self.is_over = False
        self._timer = threading.Timer(timeout_s, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        if self._child.poll() is None:
            try:
                self._child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._kill()
        self._child.wait()

    def _expire(self) -> None:
        self.is_over = True
        self._kill()

    def _kill(self) -> None:
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)


def _listen(
    child: subprocess.Popen[bytes], name: str, progress: Progress
) -> tuple[dict[str, Any], str]:
    """What the child found, and its problem, line by line until it closes its output."""
    parts: dict[str, Any] = {"tuned": []}
    problem = ""
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # cut off by its death
            if "doing" in message:
                progress(f"{name}: {message['doing']}")
            elif "problem" in message:
                problem = message["problem"]
            elif message["part"] == "tuned":
                parts["tuned"].append(message["value"])
            else:
                parts[message["part"]] = message["value"]
    return parts, problem


def _death(status: int, *, is_late: bool, plan: Plan, log: Path) -> str:
    if is_late:
        return f"given up after {plan.timeout_s:.0f} s: raise --timeout-s, or lower --steps"
    if status == -signal.SIGKILL:
        return f"killed, probably for want of memory: a smaller candidate; its log is {log}"
    how = f"signal {-status}" if status < 0 else f"status {status}"
    return f"ended with {how}: its log is {log}"


def _order(
    candidate: Candidate, settings: TrainSettings, plan: Plan, texts: Texts
) -> dict[str, Any]:
    train = replace(
        settings,
        base_model=candidate.location,
        base_revision=candidate.revision or settings.base_revision,
    )
    rows = {"train": texts.train, "dev": texts.dev, "test": texts.test}
    return {
        "train": asdict(train) | {"mlflow_uri": "", "ray_jobs_url": ""},
        "is_local": candidate.is_local,
        "plan": asdict(plan),
        "rows": {split: [asdict(row) for row in members] for split, members in rows.items()},
        "tags": {name: dict(tags) for name, tags in texts.tags.items()},
    }


def _environment(candidate: Candidate) -> dict[str, str]:
    """The engines' variables; what the caller has set stays, and a folder asks no hub."""
    return {**engine_environment(is_offline=candidate.is_local), **os.environ}
