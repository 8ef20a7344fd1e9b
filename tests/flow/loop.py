"""The whole sentence played once on real components, with a kill in the middle, for flow tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from deskwheel import config
from deskwheel.audit import Audit, settled_audit
from deskwheel.console.facts import snapshot_of
from deskwheel.demo.customers import Visit, send_customers
from deskwheel.demo.play import is_live
from deskwheel.engines import engine_environment, ray_token_environment
from deskwheel.records import Event
from deskwheel.settings import Settings
from deskwheel.stack import Stack
from ingest.replay import read_folder

SEED = 11
CONVERSATIONS = 260
STREAMING = ("broker", "topics", "transforms", "validate")
PATIENCE_S = 900.0
ARRIVING_S = 1.5
"""The third part lasts for longer, and the player's start for less."""


OVERRIDES = (
    "transforms.interval_s=1.0", "transforms.idle_close_s=10.0", "transforms.close_grace_s=2.0",
    "transforms.driver_memory=800m", "validate.interval_s=1.5", "validate.test_share=0.2",
    "validate.contamination=drop",
    "validate.driver_memory=800m", "trigger.min_fresh_examples=90", "trigger.interval_s=0.5",
    "trigger.max_category_share=1.0", "train.steps=90", "train.lr=5e-3",
    "train.checkpoint_steps=45", "gate.min_test_conversations=8", "gate.alpha=0.05",
    "gate.max_examples=24", "gate.max_new_tokens=64", "serve.max_new_tokens=48",
    "ab.initial_share=0.5", "ab.min_outcomes=10",
)  # fmt: skip


@dataclass
class Loop:
    """A playing of the loop and what tests may look at afterwards."""

    stack: Stack
    events: Sequence[Event]
    ledger: dict[str, Any]
    acknowledged: int = 0
    killed_after_events: int = 0
    restarts: int = 0
    audit: Audit | None = None
    visits: list[Visit] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings of every process of the loop."""
        return self.stack.settings


def start(home: Path) -> Loop:
    """A started stack (streaming half) and the traffic that will be played into it."""
    stack = Stack(home, config.load(None, OVERRIDES))
    stack.start(STREAMING)
    written = verb(
        stack, "ingest", "simulate", "--seed", str(SEED), "--conversations", str(CONVERSATIONS),
        "--out", str(home / "traffic"), "--json",
    )  # fmt: skip
    events = list(read_folder(home / "traffic", tenant="default", report=_refuse))
    return Loop(stack=stack, events=events, ledger=written["ledger"])


def play_with_kill(loop: Loop) -> None:
    """Play all traffic; SIGKILL the streaming job's whole process group in the middle of it.

    The first part warms the job up. Of the second it has read some, and the third is arriving,
    when it is killed, however slow the machine is.
    """
    loop.stack.wait_ready(STREAMING, PATIENCE_S)
    first, second, third = _thirds(loop.stack.home / "traffic")
    with _player(loop, first, rate=500) as player:
        loop.acknowledged = _acknowledged(player)
    until(loop, lambda f: _read(f) >= loop.acknowledged, "the first part")
    with _player(loop, second, rate=500) as player:
        in_second = _acknowledged(player)
    facts = until(loop, lambda f: _read(f) > loop.acknowledged, "some of the second part")
    loop.acknowledged += in_second
    with _player(loop, third, rate=40) as player:
        time.sleep(ARRIVING_S)
        pid = loop.stack.pid("transforms")
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        loop.killed_after_events = _read(facts)
        loop.acknowledged += _acknowledged(player)


def settle(loop: Loop, conversations: int) -> None:
    """Wait until every offset has a row and every conversation is closed and judged."""
    until(loop, lambda f: f["flow"]["conversations"] >= conversations, "all conversations")
    until(loop, lambda f: f["flow"]["pending"] == 0 and _is_quiet(loop), "a quiet pipeline")
    status = {s.name: s for s in loop.stack.status()}
    loop.restarts = status["transforms"].restarts


def train_and_serve(loop: Loop) -> None:
    """Train with two watchers at once, promote, ask, and wait for the outcomes."""
    loop.stack.start(["ray", "trainer"])
    second = _second_watcher(loop)
    try:
        until(loop, lambda f: f["evaluation"] is not None and _phase(f) == "trained", "a model")
    finally:
        second.terminate()
        second.wait(30)
    loop.stack.start(["serving", "promoter"])
    loop.stack.wait_ready(["serving", "promoter"], PATIENCE_S)
    until(loop, is_live, "a challenger that answers")
    token = (Path(loop.settings.pipeline.secrets_dir) / "api_token").read_text().strip()
    loop.visits = send_customers(
        loop.stack.addresses()["serving"],
        token,
        model=loop.settings.pipeline.name,
        customers=30,
        seed=5,
        on_visit=lambda _n: None,
    )
    wanted = len(loop.visits)
    until(loop, lambda f: sum(a["outcomes"] for a in f["arms"]) >= wanted, "outcomes in Delta")
    loop.decision = verb(loop.stack, "deploy", "decide", "--json")
    loop.audit = settled_audit(loop.settings, wait_s=PATIENCE_S)
    loop.facts = snapshot_of(loop.settings, loop.stack.home)


def verb(stack: Stack, *words: str) -> Any:
    """The JSON that a stage's verb prints."""
    command = [sys.executable, "-m", *words, "--config", str(stack.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def until(loop: Loop, is_done: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """The facts once they are as wished; fails when a service or a window failed."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        facts = snapshot_of(loop.settings, loop.stack.home)
        failed = [f"{s.name}: {s.problem}" for s in loop.stack.status() if s.phase == "failed"]
        assert not failed, failed
        assert _phase(facts) != "failed", facts["windows"]
        if is_done(facts):
            return facts
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come within {PATIENCE_S} s")


def _thirds(folder: Path) -> list[Path]:
    """The traffic in three folders of its own format, in order."""
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    cuts = [len(lines) * part // 3 for part in range(4)]
    parts = []
    for number, (begin, end) in enumerate(pairwise(cuts)):
        parts.append(folder / str(number))
        parts[-1].mkdir()
        (parts[-1] / "events.jsonl").write_text("".join(lines[begin:end]), encoding="utf-8")
    return parts


def _player(loop: Loop, folder: Path, *, rate: int) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "ingest", "replay", str(folder),
        "--rate", str(rate), "--json", "--config", str(loop.stack.config),
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _acknowledged(player: subprocess.Popen[str]) -> int:
    output, _ = player.communicate(timeout=PATIENCE_S)
    return int(json.loads(output)["acknowledged"])


def _second_watcher(loop: Loop) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "train", "watch", "--config", str(loop.stack.config)]
    log = loop.stack.home / "logs" / "second-watcher.log"
    secrets = Path(loop.settings.pipeline.secrets_dir)
    env = {**os.environ, **engine_environment(is_offline=True), **ray_token_environment(secrets)}
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env)


def _is_quiet(loop: Loop) -> bool:
    """Whether no conversation closes any more: no new version within two idle times."""
    before = snapshot_of(loop.settings, loop.stack.home)["flow"]
    time.sleep(2 * loop.settings.transforms.idle_close_s)
    return bool(snapshot_of(loop.settings, loop.stack.home)["flow"] == before)


def _read(facts: dict[str, Any]) -> int:
    return int(facts["flow"]["events"])


def _phase(facts: dict[str, Any]) -> str | None:
    return facts["windows"][-1]["phase"] if facts["windows"] else None


def _refuse(problem: str) -> None:
    raise AssertionError(problem)
