"""Interleavings of watchers, jobs, people and failures, each out of one seed.

`python -m tests.train.ledger.simulation --first 0 --count 10000` runs them without pytest.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from deskwheel.state import END_PHASES
from deskwheel.state.tables import METADATA
from tests.train.ledger.laws import Laws
from tests.train.ledger.turns import Process, Turns
from tests.train.ledger.world import ATTEMPTS, PIPELINE, CountingState, World, gated
from tests.train.rows import settings_in

LEASE_S = 60.0
STEPS = 160
"""Of the time in which things fail."""
CALM_STEPS = 4_000
"""Far more than it takes until every window has ended."""
WATCHERS = 3
FREEZERS = 2
MEMORY = Path("/dev/shm")  # noqa: S108


class LawBroken(AssertionError):
    """A law did not hold; names the seed that shows it again."""


class Simulation:
    """One state database in which interleavings run one after the other."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "state.db"
        plain = settings_in(folder)
        self._settings = replace(
            plain, trigger=replace(plain.trigger, lease_s=LEASE_S, max_attempts=ATTEMPTS)
        )
        self._world: World | None = None
        self._turns = Turns()
        url = self._settings.pipeline.state_url
        self._state = CountingState(url, clock=self._database_clock)
        gated(self._state, self._turns)

    def close(self) -> None:
        self._state.close()

    def run(self, seed: int) -> World:
        """One interleaving.

        Raises:
            LawBroken: a law did not hold.
        """
        self._empty()
        world = World(self._settings, self._state, self._turns, random.Random(seed))
        self._world = world
        laws = Laws(str(self._file), world)
        try:
            _fail(world, laws)
            _calm_down(world, laws)
        except AssertionError as error:
            raise LawBroken(f"seed {seed}: {error}") from error
        finally:
            for process in world.processes:
                if process.is_alive:
                    process.kill()
            laws.close()
        try:
            world.pass_time(2000.0)
            laws.check_end()
        except AssertionError as error:
            raise LawBroken(f"seed {seed}: {error}") from error
        return world

    def _database_clock(self) -> float:
        return self._world.clock_s if self._world is not None else 0.0

    def _empty(self) -> None:
        self._state.claims = 0
        with self._state._engine.begin() as connection:  # noqa: SLF001
            for table in METADATA.sorted_tables:
                if table.name != "state_schema":
                    connection.execute(sa.delete(table))


def _fail(world: World, laws: Laws) -> None:
    """Steps of whoever it is the turn of, with a failure now and then."""
    for number in range(WATCHERS):
        world.start(f"watcher {number}", world.watch)
    for number in range(FREEZERS):
        world.start(f"freezer {number}", world.freeze)
    failures = [_kill, _pause, _jump, _forget, _double, _append, _replace_dead, _retry]
    weights = [2, 4, 1, 1, 3, 3, 3, 2]
    for _ in range(STEPS):
        if world.rng.random() < 0.15:
            world.rng.choices(failures, weights)[0](world)
        _step(world, laws)


def _calm_down(world: World, laws: Laws) -> None:
    """Steps without a failure until nothing is left to do."""
    world.is_calm = True
    for process in world.processes:
        if process.is_paused:
            process.is_paused, process.sleeps_until_s = False, 0.0
    for kind, work in (("watcher", world.watch), ("freezer", world.freeze)):
        if not any(p.is_alive and p.name.startswith(kind) for p in world.processes):
            world.start(kind, work)
    for step in range(CALM_STEPS):
        _step(world, laws)
        if step % 25 == 0 and _is_over(world):
            return
    phases = [(w["from_version"], w["phase"]) for w in world.state.windows(PIPELINE)]
    raise AssertionError(f"it does not come to an end: {phases}")


def _is_over(world: World) -> bool:
    windows = world.state.windows(PIPELINE)
    return (
        bool(windows)
        and int(windows[-1]["to_version"]) >= world.version
        and all(w["phase"] in END_PHASES for w in windows)
        and not any(p.is_alive for p in world.cluster.jobs.values())
        and not any(p.is_alive and p.name.startswith("deskwheel") for p in world.processes)
        and all(body["is_done"] for body in _announced(world, windows))
    )


def _announced(world: World, windows: list[dict[str, object]]) -> list[dict[str, object]]:
    trained = {w["run_id"] for w in windows if w["phase"] == "trained"}
    return [b for id, b in world.state.documents("announcement").items() if id in trained]


def _step(world: World, laws: Laws) -> None:
    """Let one process go on to its next gate; when all sleep, until the first wakes up."""
    world.pass_time(world.rng.uniform(0.0, 0.4))
    alive = [p for p in world.processes if p.is_alive]
    awake = [p for p in alive if p.sleeps_until_s <= world.age_s]
    if not awake:
        first = min(alive, key=lambda p: p.sleeps_until_s, default=None)
        if first is None:
            return
        world.pass_time(first.sleeps_until_s - world.age_s)
        awake = [first]
    process = world.rng.choice(awake)
    process.is_paused = False
    world.turns.let(process)
    laws.check_step()


def _any(world: World) -> Process | None:
    """A process that lives, mostly one in the middle of something, every second time a job."""
    alive = [p for p in world.processes if p.is_alive]
    awake = [p for p in alive if p.sleeps_until_s <= world.age_s]
    some = awake if awake and world.rng.random() < 0.7 else alive
    jobs = [p for p in some if p.name.startswith("deskwheel")]
    some = jobs if jobs and world.rng.random() < 0.5 else some
    return world.rng.choice(some) if some else None


def _kill(world: World) -> None:
    process = _any(world)
    if process is not None:
        process.kill()


def _pause(world: World) -> None:
    """Stop a process, mostly for longer than its lease."""
    process = _any(world)
    if process is not None:
        process.is_paused = True
        process.sleeps_until_s = world.age_s + world.rng.uniform(0.0, 500.0)


def _jump(world: World) -> None:
    """Set the database's clock forward or back, by minutes or by weeks."""
    world.clock_s += world.rng.uniform(-1.0, 1.0) * world.rng.choice([800.0, 2e6])


def _forget(world: World) -> None:
    """Start the cluster anew: it knows no job, and one that ran may run on."""
    for job in world.cluster.jobs.values():
        if job.is_alive and world.rng.random() < 0.5:
            job.kill()
    world.cluster.jobs.clear()


def _double(world: World) -> None:
    """Start a second process of a job."""
    if world.cluster.jobs:
        name = world.rng.choice(list(world.cluster.jobs))
        start = int(name.removeprefix(f"deskwheel-{PIPELINE}-").partition("-")[0])
        world.start(name, lambda: world.train(start))


def _append(world: World) -> None:
    """A version of the table that asks for a window of its own, three at most."""
    world.version = min(world.version + 1, 2)


def _retry(world: World) -> None:
    """A person asks for another attempt at any window, ended or not."""
    windows = world.state.windows(PIPELINE)
    if windows:
        window, is_anew = world.rng.choice(windows), world.rng.random() < 0.5
        world.start("person", lambda: world.retry(window, is_anew=is_anew))


def _replace_dead(world: World) -> None:
    """Start what a supervisor would start."""
    alive = [p.name.split()[0] for p in world.processes if p.is_alive]
    if alive.count("watcher") < WATCHERS:
        world.start("watcher", world.watch)
    if alive.count("freezer") < FREEZERS:
        world.start("freezer", world.freeze)


@contextmanager
def simulation() -> Iterator[Simulation]:
    """A simulation whose database is in memory where the machine offers that."""
    home = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="deskwheel-ledger-", dir=home) as folder:
        made = Simulation(Path(folder))
        try:
            yield made
        finally:
            made.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="seed of the first interleaving")
    parser.add_argument("--count", type=int, default=10_000, help="how many")
    options = parser.parse_args()
    began, ends = time.monotonic(), {phase: 0 for phase in END_PHASES}
    with simulation() as made:
        for seed in range(options.first, options.first + options.count):
            made.run(seed)
            for window in made._state.windows(PIPELINE):  # noqa: SLF001
                ends[window["phase"]] += 1
            if seed % 500 == 499:
                print(f"good up to seed {seed}", flush=True)
    print(f"{options.count} interleavings, {ends}, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
