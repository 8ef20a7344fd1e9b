"""`deskwheel demo`: the whole loop on real components, in order, with a bar a stage.

Starts the embedded stack in its own folder, plays simulated traffic, waits for the fine-tune that
the trigger starts, sends simulated customers through the A/B split, audits, and writes a page.
Everything between the stages happens through topics, tables and the state database; this module
only watches, plays the outside world, and reports.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from deskwheel import config
from deskwheel.audit import keep_audit, settled_audit
from deskwheel.console.facts import snapshot_of
from deskwheel.demo.customers import Visit, send_customers
from deskwheel.demo.result import Outcome, print_result, save_result
from deskwheel.demo.stages import Stages
from deskwheel.errors import ServiceError, SetupError
from deskwheel.service import stop_event
from deskwheel.settings import Settings
from deskwheel.stack import Stack

FIRST_SERVICES = ("broker", "topics", "transforms", "validate", "ray", "trainer", "console")
SERVING_SERVICES = ("serving", "promoter")
EVENTS_PER_S = 140.0
_MARK = "DEMO"
_POLL_S = 1.0
_PATIENCE_S = 900.0
"""Longest wait for one stage; a loaded machine is slow, a stuck stage never ends."""

Facts = dict[str, Any]


def run(_settings: Settings, arguments: argparse.Namespace) -> int:
    """Play the demo and return 0, or 1 when a stage failed or the audit does not balance."""
    console = Console(no_color=arguments.no_color, highlight=False)
    home = Path(arguments.home).resolve()
    own = config.load(Path(__file__).with_name("demo.toml"), arguments.set)
    if arguments.config is not None:
        own = config.load(arguments.config, arguments.set)
    demo = Demo(home, own, console, seed=arguments.seed, conversations=arguments.conversations)
    demo.prepare()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        outcome = demo.play()
        page = save_result(home, outcome)
        addresses = demo.start_pages() if arguments.keep else outcome.addresses
        print_result(console, outcome, page, addresses=addresses, kept=arguments.keep)
        if arguments.keep:
            console.print("The loop keeps running; Ctrl-C ends it.")
            stop_event().wait()
    except KeyboardInterrupt:
        console.print("\nstopped; ending every process of the demo …")
        return 130
    finally:
        demo.stop()
    return 0 if outcome.audit["is_balanced"] else 1


class Demo:
    """One playing of the loop: the stack, the outside world, and what is seen of it."""

    def __init__(
        self, home: Path, settings: Settings, console: Console, *, seed: int, conversations: int
    ) -> None:
        """Plan a demo in a state folder of its own; nothing starts before `play`."""
        self.home = home
        self.stack = Stack(home, settings)
        self._console = console
        self._seed = seed
        self._conversations = conversations
        self._ledger: Facts = {}
        self._player: subprocess.Popen[str] | None = None

    def prepare(self) -> None:
        """Empty the demo's folder, so that every playing starts from nothing.

        Raises:
            ServiceError: a demo still runs in it.
            SetupError: the folder holds something that no demo wrote.
        """
        if any(s.phase in ("starting", "ready", "backoff") for s in self.stack.status()):
            raise ServiceError(
                f"a demo runs in {self.home}; end it with `deskwheel down --home {self.home}`"
            )
        if self.home.exists() and any(self.home.iterdir()) and not (self.home / _MARK).exists():
            raise SetupError(
                f"{self.home} is not empty and was not made by a demo, so it is not emptied;"
                " choose another folder with --home"
            )
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        (self.home / _MARK).write_text("made by `deskwheel demo`, emptied by the next one\n")

    def play(self) -> Outcome:
        """Go once round the loop.

        Raises:
            ServiceError: a process failed or a stage did not end within its patience.
        """
        with Stages(self._console) as stages:
            self._stages = stages
            self._start_stack()
            self._play_traffic()
            facts = self._watch_until_trained()
            facts = self._watch_until_served(facts)
            visits = self._ask()
            self._await_feedback(len(visits))
            decision = self._stage("deploy", "decide", "--json")
            return self._finish(facts, visits, json.loads(decision))

    def start_pages(self) -> dict[str, str]:
        """Start MLflow's page too, and return every address."""
        self.stack.start(["mlflow"])
        self.stack.wait_ready(["mlflow"], _PATIENCE_S)
        return self.stack.addresses()

    def stop(self) -> None:
        """End every process of the demo; idempotent."""
        if self._player is not None:
            self._player.terminate()
        self.stack.stop()

    def _start_stack(self) -> None:
        def show(_status: Any) -> None:
            ready = [s.name for s in self.stack.status() if s.phase == "ready"]
            note = ", ".join(ready[-2:]) + " ready" if ready else "starting"
            self._stages.update("stack", len(ready), len(FIRST_SERVICES), note)

        self._stages.update("stack", 0, len(FIRST_SERVICES), "starting")
        self.stack.start(FIRST_SERVICES, on_change=show)
        folder = self.home / "traffic"
        written = json.loads(
            self._stage(
                "ingest", "simulate", "--seed", str(self._seed),
                "--conversations", str(self._conversations), "--out", str(folder), "--json",
            )
        )  # fmt: skip
        self._ledger = written["ledger"]
        self.stack.wait_ready(["broker", "topics", "console"], _PATIENCE_S)
        addresses = self.stack.addresses()
        self._console.print(f"watch live: console {addresses.get('console', '')}")

    def _play_traffic(self) -> None:
        command = [
            sys.executable, "-m", "ingest", "replay", str(self.home / "traffic"),
            "--rate", str(EVENTS_PER_S), "--json", "--config", str(self.stack.config),
        ]  # fmt: skip
        self._player = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._stages.update("ingest", 0, self._ledger["events"], "playing simulated traffic")

    def _watch_until_trained(self) -> Facts:
        is_serving_started = False

        def is_trained(facts: Facts) -> bool:
            nonlocal is_serving_started
            self._show_stream(facts)
            self._show_training(facts)
            if not is_serving_started and _phase(facts) in ("submitted", "trained"):
                # Later than the rest, so that two cores are not shared by all start-ups at once.
                self.stack.start(SERVING_SERVICES)
                is_serving_started = True
            return facts["evaluation"] is not None and _phase(facts) == "trained"

        facts = self._until(is_trained, "the fine-tune and its evaluation")
        if not is_serving_started:
            self.stack.start(SERVING_SERVICES)
        return facts

    def _watch_until_served(self, facts: Facts) -> Facts:
        self._stages.update("deploy", 0, 2, f"gate: {facts['evaluation']['verdict']}")
        self.stack.wait_ready(["serving", "promoter"], _PATIENCE_S)

        def has_acted(facts: Facts) -> bool:
            self._show_stream(facts)
            return is_live(facts) or facts["evaluation"]["verdict"] != "PROMOTE"

        facts = self._until(has_acted, "the promoter")
        challenger = (facts["split"] or {}).get("challenger")
        note = f"{challenger} live beside the old bot" if challenger else "the old bot stays"
        self._stages.update("deploy", 2, 2, note)
        return facts

    def _ask(self) -> list[Visit]:
        customers = max(40, self._conversations // 3)
        token = (Path(self.stack.settings.pipeline.secrets_dir) / "api_token").read_text("utf-8")

        def show(done: int) -> None:
            self._stages.update("a/b test", done, customers, f"{done} customers answered")

        url = self.stack.addresses()["serving"]
        return send_customers(
            url,
            token.strip(),
            model=self.stack.settings.pipeline.name,
            customers=customers,
            seed=self._seed + 1,
            on_visit=show,
        )

    def _await_feedback(self, visits: int) -> None:
        def has_arrived(facts: Facts) -> bool:
            self._show_stream(facts)
            arrived = sum(arm["outcomes"] for arm in facts["arms"])
            self._stages.update("a/b test", arrived, visits, f"{arrived} outcomes back in Delta")
            return arrived >= visits

        self._until(has_arrived, "outcome events in Delta")

    def _finish(self, facts: Facts, visits: Sequence[Visit], decision: Facts) -> Outcome:
        self._stages.update("audit", 0, 1, "counting every offset")
        audit = settled_audit(self.stack.settings, wait_s=_PATIENCE_S)
        keep_audit(self.stack.settings, audit, at=datetime.now(UTC))
        facts = snapshot_of(self.stack.settings, self.home)
        self._show_stream(facts)
        note = "balances" if audit.is_balanced else f"{audit.unaccounted} unaccounted"
        self._stages.update("audit", 1, 1, note)
        return Outcome.of(
            facts,
            audit=audit,
            decision=decision,
            visits=visits,
            ledger=self._ledger,
            elapsed_s=self._stages.elapsed_s,
            addresses=self.stack.addresses(),
        )

    def _show_stream(self, facts: Facts) -> None:
        flow, total = facts["flow"], self._ledger["events"]
        read = flow["events"]
        self._show_player()
        self._stages.update(
            "transforms", read, total,
            f"{read:,} of {total:,} events → {flow['turns']:,} turns,"
            f" {flow['conversations']:,} conversations",
        )  # fmt: skip
        judged = flow["examples"] - flow["pending"]
        is_last = read >= total and flow["pending"] == 0
        self._stages.update(
            "validate", judged if is_last else min(judged, flow["examples"] - 1),
            max(flow["examples"], 1),
            f"{flow['valid']:,} valid, {flow['quarantined']:,} quarantined",
        )  # fmt: skip

    def _show_player(self) -> None:
        player, total = self._player, self._ledger["events"]
        if player is None or player.poll() is None:
            return
        self._player = None
        if player.returncode:
            raise ServiceError(f"the player ended with status {player.returncode}; see above")
        played = json.loads(player.stdout.read() if player.stdout else "{}")
        acknowledged = played["acknowledged"]
        self._stages.update("ingest", acknowledged, total, f"{acknowledged:,} acknowledged")

    def _show_training(self, facts: Facts) -> None:
        newest = facts["triggers"][0]["detail"] if facts["triggers"] else {}
        phase = _phase(facts)
        note = str(newest.get("reason", "waiting for fresh valid examples"))
        self._stages.update("trigger", 1 if phase else 0, 1, note)
        if phase is None:
            return
        steps = self.stack.settings.train.steps
        points = facts["loss_curve"]
        if points:
            step, loss = points[-1][:2]
            note = f"step {step} of {steps}, loss {loss:.2f}"
            if step >= steps and phase != "trained":
                note += ", evaluating"
        else:
            step, note = 0, f"window {phase}, Ray Train starting"
        done = steps + 1 if phase == "trained" else min(step, steps)
        self._stages.update("train", done, steps + 1, note)

    def _until(self, is_done: Callable[[Facts], bool], what: str) -> Facts:
        """Watch the facts until they are as wished, failing early when a service or run failed."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            facts = snapshot_of(self.stack.settings, self.home)
            self._raise_if_failed(facts)
            if is_done(facts):
                return facts
            time.sleep(_POLL_S)
        logs = self.home / "logs"
        raise ServiceError(f"{what} did not come within {_PATIENCE_S:.0f} s; see {logs}")

    def _raise_if_failed(self, facts: Facts) -> None:
        for status in self.stack.status():
            if status.phase == "failed":
                log = self.home / "logs" / f"{status.name}.log"
                raise ServiceError(f"service {status.name} failed: {status.problem}; see {log}")
        if _phase(facts) in ("failed", "held"):
            detail = facts["windows"][-1]["detail"]
            raise ServiceError(f"the fine-tune failed: {detail}")

    def _stage(self, *command: str) -> str:
        """Standard output of a stage's verb."""
        full = [sys.executable, "-m", *command, "--config", str(self.stack.config)]
        done = subprocess.run(full, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServiceError(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()[-500:]}")
        return done.stdout


def _interrupt(_number: int, _frame: object) -> None:
    """End as on Ctrl-C: whoever waits below must not be waited for."""
    raise KeyboardInterrupt


def is_live(facts: Facts) -> bool:
    """Whether the serving application says that it answers by the split's challenger."""
    challenger = (facts["split"] or {}).get("challenger")
    served = [e["subject"] for e in facts["timeline"] if e["kind"] == "served"]
    return challenger is not None and challenger in served


def _phase(facts: Facts) -> str | None:
    """Phase of the newest training window, or None before the first."""
    return str(facts["windows"][-1]["phase"]) if facts["windows"] else None
