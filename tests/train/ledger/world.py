"""The world of the simulation: a database clock, a table, a cluster, a registry, and processes.

State, watcher and publisher are the real ones. What is far away in production (cluster, registry,
the freezing stage, the training itself) is played, with a gate before each call.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from deskwheel.errors import ServiceError, StateError
from deskwheel.records import Evaluation, Run
from deskwheel.settings import Settings
from deskwheel.state import Row, State
from tests.train.ledger.turns import Process, Turns
from tests.train.rows import NOON
from train.jobs import JobStatus
from train.ledger import find_window, hold_window, retry_window
from train.publishing.publish import RunPublisher
from train.trigger.decide import TriggerDecision, next_start
from train.watch import Watcher

PIPELINE = "support"
ATTEMPTS = 2


class CountingState(State):
    """The real state, which also counts the claims that its callers were granted."""

    claims = 0

    def claim_window(self, *arguments: Any, **more: Any) -> bool:
        is_ours = super().claim_window(*arguments, **more)
        self.claims += is_ours
        return is_ours


@dataclass
class World:
    """Everything that one interleaving changes."""

    settings: Settings
    state: CountingState
    turns: Turns
    rng: random.Random
    version: int = 0
    clock_s: float = 1e9
    """The database's clock; it can be set back."""
    age_s: float = 0.0
    """Time that has really gone by."""
    is_calm: bool = False
    """Nothing fails any more."""
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self)
        self.registry = Shelf(self)

    def start(self, name: str, work: Any) -> Process:
        process = Process(name, work, self.turns)
        self.processes.append(process)
        return process

    def pass_time(self, seconds: float) -> None:
        self.clock_s += seconds
        self.age_s += seconds

    def sleep(self, seconds: float) -> None:
        """Sleep at least so long; a busy machine wakes nobody in time."""
        slept_s = seconds * self.rng.uniform(1, 60)
        self.turns.current().sleeps_until_s = self.age_s + slept_s
        self.turns.gate()

    def watch(self) -> None:
        """A watcher, until it is killed."""
        name = f"watcher/{self.rng.random()}"
        watcher = Watcher(
            self.settings,
            self.state,
            owner=name,
            jobs=self.cluster,
            decide=self._decide,
            finish=self.publisher().finish_run,
        )
        while True:
            try:
                watcher.step(NOON)
            except ServiceError:
                pass
            self.sleep(1.0)

    def freeze(self) -> None:
        """What validate does: one claimed window after the other becomes frozen, or has failed."""
        while True:
            for window in self.state.windows(PIPELINE, phase="claimed"):
                start = window["from_version"]
                is_good = self.is_calm or self.rng.random() < 0.85
                end = {"snapshot_id": f"snap-{start}"} if is_good else {"reason": "contaminated"}
                try:
                    self.state.advance_window(
                        PIPELINE,
                        start,
                        expect="claimed",
                        phase="frozen" if is_good else "failed",
                        **end,
                    )
                except StateError:
                    continue
            self.sleep(1.0)

    def retry(self, window: Row, *, is_anew: bool) -> None:
        """A person who may have read the window long ago."""
        self.turns.gate()
        retry_window(self.state, window, actor="kim", reason="mended", is_anew=is_anew)

    def train(self, start: int) -> None:
        """What `train.runs.run` does, with the training left out."""
        window = find_window(self.state, PIPELINE, start)
        if window["phase"] == "trained":
            self.publisher().finish_run(window["run_id"])
            return
        if window["phase"] != "submitted":
            raise StateError("not submitted")
        self.turns.gate()
        fate = 1.0 if self.is_calm else self.rng.random()
        if fate < 0.12:
            raise StateError("out of memory")
        if fate < 0.2:
            reason, attempt = "the loss is no number", window["attempts"]
            hold_window(self.state, PIPELINE, start, reason=reason, attempt=attempt)
            return
        run_id, verdict = window["run_id"], "PROMOTE" if fate > 0.4 else "HOLD"
        run, evaluation = run_of(run_id), evaluation_of(run_id, verdict)
        self.publisher().publish_run(
            run, evaluation, from_version=start, adapter_dir=Path("/nowhere"), history=()
        )

    def publisher(self) -> RunPublisher:
        return RunPublisher(self.settings, self.state, registry=self.registry, sleep=self.sleep)

    def _decide(self, settings: Settings, state: State, *, now: datetime) -> TriggerDecision:
        is_due = next_start(state.windows(PIPELINE)) <= self.version
        outcome = "fired" if is_due else "too_few"
        return TriggerDecision(outcome=outcome, effective=1, reason="", version=self.version)


class Cluster:
    """Jobs of a cluster that can be started anew, and then knows none of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.jobs: dict[str, Process] = {}

    def submit(self, name: str, command: Sequence[str]) -> None:
        self._world.turns.gate()
        if name not in self.jobs:
            self.start(name, int(command[-1]))

    def start(self, name: str, start: int) -> None:
        self.jobs[name] = self._world.start(name, lambda: self._world.train(start))

    def status(self, name: str) -> JobStatus:
        self._world.turns.gate()
        if name not in self.jobs:
            return "missing"
        job = self.jobs[name]
        if job.is_alive:
            return "running"
        return "succeeded" if job.is_good else "failed"

    def log_tail(self, name: str, *, lines: int) -> str:
        return ""


class Shelf:
    """A registry of models that, like MLflow, knows no compare-and-set."""

    def __init__(self, world: World) -> None:
        self._turns = world.turns
        self._gate = world.turns.gate
        self.versions: dict[str, str] = {}
        """Version → run, of those that were not removed."""
        self.makers: dict[str, Process] = {}
        """Version → the process that created it."""
        self.alias: str | None = None

    def register(self, settings: Settings, run: Run, *rest: Any, **more: Any) -> str:
        if known := self.versions_of(settings, run.run_id):
            return known[0]
        self._gate()
        version = str(len(self.makers) + 1)
        self.versions[version], self.makers[version] = run.run_id, self._turns.current()
        self._gate()
        return version

    def versions_of(self, settings: Settings, run_id: str) -> list[str]:
        self._gate()
        return sorted((v for v, run in self.versions.items() if run == run_id), key=int)

    def drop_version(self, settings: Settings, version: str) -> None:
        self._gate()
        self.versions.pop(version, None)

    def set_alias(self, settings: Settings, alias: str, version: str) -> None:
        self._gate()
        self.alias = version


def gated(state: State, turns: Turns) -> None:
    """Put a gate before every statement of a state database that no transaction protects.

    SQLite lets nobody else write while one writes, so nothing happens between two statements of
    a transaction that has written.
    """

    @sa.event.listens_for(state._engine, "before_cursor_execute")  # noqa: SLF001
    def _gate(connection: sa.Connection, *_: Any) -> None:
        if not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            turns.gate()


def run_of(run_id: str) -> Run:
    """A toy run."""
    return Run(
        run_id=run_id,
        pipeline=PIPELINE,
        snapshot_id="snap",
        content_digest="d",
        base_model="demo",
        adapter_uri="file:///nowhere",
        seed=7,
        steps=1,
        first_loss=2.0,
        last_loss=1.0,
        settings={},
        started_at=NOON,
        finished_at=NOON,
        code_version="0",
    )


def evaluation_of(run_id: str, verdict: Any) -> Evaluation:
    """A toy evaluation."""
    return Evaluation(
        evaluation_id=f"eval-{run_id}",
        run_id=run_id,
        snapshot_id="snap",
        examples=1,
        scores={},
        verdict=verdict,
        reasons=(),
        evaluated_at=NOON,
    )
