"""What the `deskwheel` command does to a stack: start it, stop it, look at it.

Reads and writes no table or topic itself.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deskwheel import audit as conservation
from deskwheel import config
from deskwheel import report as reports
from deskwheel.child import ServiceStatus, last_lines, open_log
from deskwheel.errors import DeskwheelError, ServiceError, SetupError
from deskwheel.progress import Progress, all_progress, progress_sentence
from deskwheel.services import SERVICES
from deskwheel.settings import Settings
from deskwheel.stack import Stack, addresses_of, make_home, remove_outside
from deskwheel.state import State
from deskwheel.supervise import end_stack, not_ready, read_stack

SUPERVISOR = "supervisor"
_POLL_S = 0.1
_DOWN_GRACE_S = 120.0


def up(settings: Settings, arguments: argparse.Namespace) -> int:
    """Start a supervisor in a session of its own; return when every service is ready.

    Raises:
        ServiceError: a service failed or is late; the stack is left as it is, to be looked at.
        SetupError: a name in `--only` is unknown, or the folder cannot be used.
    """
    del settings  # the supervisor's process reads them itself
    home = Path(arguments.home).resolve()
    names = arguments.only.split(",") if arguments.only else list(SERVICES)
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise SetupError(f"unknown service {unknown[0]!r}; choose from {', '.join(SERVICES)}")
    owner, statuses = read_stack(home)
    if owner is not None:
        print(f"already running (process {owner.pid}); `deskwheel down` stops it")
        return _print_status(statuses, is_json=arguments.json)
    make_home(home)
    supervisor = _spawn(home, arguments)
    statuses = _await_ready(home, supervisor, names, timeout_s=arguments.timeout)
    return _print_status(statuses, is_json=arguments.json)


def down(settings: Settings, arguments: argparse.Namespace) -> int:
    """Stop the stack, also one whose supervisor was killed; return 0 even if nothing ran."""
    del settings
    home = Path(arguments.home).resolve()
    count = end_stack(home, grace_s=_DOWN_GRACE_S)
    remove_outside(home)
    message = "stopped" if count else "nothing runs"
    print(json.dumps({"ended": count}) if arguments.json else message)
    return 0


def status(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every service, and how far training is; return 1 if one of a running stack is late."""
    del settings
    owner, statuses = read_stack(Path(arguments.home).resolve())
    training = _read_training(Stack(Path(arguments.home)).config)
    if arguments.json:
        services = [asdict(service) for service in statuses]
        print(json.dumps({"services": services, **asdict(training)}))
    else:
        if owner is None:
            print("nothing runs; `deskwheel up` starts the stack")
        _print_status(statuses, is_json=False)
        _print_training(training)
    return int(owner is not None and any(s.phase != "ready" for s in statuses))


def ui(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print every address, and open the console in a browser where there is a screen.

    Raises:
        ServiceError: nothing runs.
    """
    del settings
    owner, statuses = read_stack(Path(arguments.home).resolve())
    addresses = addresses_of(statuses)
    if owner is None or not addresses:
        raise ServiceError(f"nothing runs in {arguments.home}; run `deskwheel up` first")
    if arguments.json:
        print(json.dumps(addresses))
        return 0
    for name, address in addresses.items():
        print(f"{name:<12}{address}")
    if "console" in addresses and sys.stdout.isatty():
        webbrowser.open(addresses["console"])
    return 0


def audit(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the audit of the stack's tables; return 1 if it is not balanced."""
    return conservation.run(_resolved(settings, arguments), arguments)


def report(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write the page of the stack's figures to a file."""
    arguments.out = Path(arguments.out)
    return reports.run(_resolved(settings, arguments), arguments)


def logs(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the end of a log and, with `--follow`, what is added to it.

    Raises:
        SetupError: there is no such log.
    """
    del settings
    folder = Path(arguments.home).resolve() / "logs"
    log = folder / f"{arguments.name}.log"
    if arguments.name not in (*SERVICES, SUPERVISOR) or not log.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none"
        raise SetupError(f"no log of {arguments.name!r}; there are: {known}")
    print(last_lines(log, arguments.lines))
    if arguments.follow:
        _follow(log)
    return 0


def _resolved(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """The stack's own settings, unless the caller gives a file."""
    stack = Stack(Path(arguments.home))
    if arguments.config is None and stack.config.is_file():
        return config.load(stack.config, arguments.set)
    return settings


def _spawn(home: Path, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "deskwheel.stack", "--home", str(home)]
    program += ["--only", arguments.only] if arguments.only else []
    program += ["--config", str(arguments.config)] if arguments.config else []
    for override in arguments.set:
        program += ["--set", override]
    with open_log(home / "logs" / f"{SUPERVISOR}.log") as log:
        return subprocess.Popen(
            program,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await_ready(
    home: Path, supervisor: subprocess.Popen[bytes], names: list[str], *, timeout_s: float
) -> list[ServiceStatus]:
    deadline = time.monotonic() + timeout_s
    say = _teller()
    while True:
        owner, statuses = read_stack(home)
        mine = statuses if owner is not None and owner.pid == supervisor.pid else []
        for service in mine:
            say(service)
        late = [s for s in mine if s.phase != "ready"]
        failed = [s for s in late if s.phase == "failed"]
        if mine and not late:
            return mine
        if failed or (late and time.monotonic() > deadline):
            raise not_ready((failed or late)[0], home, timeout_s)
        if supervisor.poll() is not None:
            log = home / "logs" / f"{SUPERVISOR}.log"
            raise ServiceError(f"the supervisor ended; the end of {log}:\n{last_lines(log)}")
        time.sleep(_POLL_S)


def _teller() -> Callable[[ServiceStatus], None]:
    """Prints a line on standard error whenever a service enters another phase."""
    seen: dict[str, str] = {}
    began = time.monotonic()

    def say(service: ServiceStatus) -> None:
        if seen.get(service.name) == service.phase or service.phase == "waiting":
            return
        seen[service.name] = service.phase
        took_s = time.monotonic() - began
        why = f"  ({service.problem})" if service.problem else ""
        print(f"{took_s:6.1f} s  {service.name:<12}{service.phase}{why}", file=sys.stderr)

    return say


def _print_status(statuses: list[ServiceStatus], *, is_json: bool) -> int:
    if is_json:
        print(json.dumps([asdict(service) for service in statuses]))
        return 0
    addresses = addresses_of(statuses)
    for service in statuses:
        pid = "-" if service.pid is None else str(service.pid)
        note = addresses.get(service.name) or service.problem or ""
        restarts = f"{service.restarts} restarts" if service.restarts else ""
        line = f"{service.name:<12}{service.phase:<10}{pid:>8}  {restarts:<12}{note}"
        print(line.rstrip())
    return 0


@dataclass(frozen=True, kw_only=True)
class _Training:
    """What a stack's database says of training."""

    training: list[Progress] = field(default_factory=list)
    """Runs of windows that are under way."""
    trigger_pause: Mapping[str, Any] | None = None
    """Who paused the trigger and why; None while it is not paused."""
    problem: str | None = None
    """Why nothing is known."""


def _read_training(file: Path) -> _Training:
    """By a stack's settings; nothing where there are none."""
    if not file.is_file():
        return _Training()
    pipeline = config.load(file).pipeline
    try:
        state = State(pipeline.state_url)
    except DeskwheelError as error:
        return _Training(problem=str(error))
    open_runs = {w["run_id"] for w in state.windows(pipeline.name, phase="submitted")}
    runs = [p for p in all_progress(state, pipeline.name) if p.run_id in open_runs]
    pause = state.get("trigger_pause", pipeline.name)
    state.close()
    is_paused = pause is not None and pause[0]["is_open"]
    return _Training(training=runs, trigger_pause=pause[0] if pause and is_paused else None)


def _print_training(found: _Training) -> None:
    if found.problem is not None:
        print(f"{'training':<12}unknown: {found.problem}")
    for progress in found.training:
        sentence = progress_sentence(progress, now=datetime.now(UTC))
        print(f"{'training':<12}{progress.run_id}  {sentence}")
    if found.trigger_pause is not None:
        pause = found.trigger_pause
        print(f"{'trigger':<12}paused by {pause['by']}: {pause['reason']}")


def _follow(log: Path) -> None:
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        while True:
            if chunk := stream.read():
                sys.stdout.write(chunk.decode("utf-8", "replace"))
                sys.stdout.flush()
            time.sleep(_POLL_S)
