"""How long the whole way takes: trigger, adapter, an answer by it; on the embedded stack, no Java.

`python -m benchmarks.train_path [--gpu] [--examples N] [--limit-s S]` starts Ray, the training
watcher, serving and the promoter in a temporary folder, with the settings of `make demo`; the old
bot answers by then. N issues of the demo's company, which fire the trigger, are appended, and their
window is frozen as `benchmarks.train_start` does it. Then nothing is helped along: the run trains,
the gate judges, the promoter splits the traffic in halves, the replica loads the adapter, and new
customers ask over HTTP until one of them is answered by it. There is no broker: each answer waits
for 0.1 s for an acknowledgement that does not come.

With `--gpu` training and serving share one GPU. What does not come within the limit, 300 s, ends
with the phase and the ends of the logs.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deskwheel.demo
from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.train_window import append, freezing, own_words, raise_if_lost, valid_example
from deskwheel import config
from deskwheel.child import RestartPolicy, last_lines
from deskwheel.demo.catalogue import draw_issue, load_catalogue
from deskwheel.progress import all_progress, progress_sentence
from deskwheel.records import ValidatedExample
from deskwheel.services import ray_folder
from deskwheel.settings import Settings
from deskwheel.stack import Stack
from deskwheel.state import State

SERVICES = ("ray", "trainer", "serving", "promoter")
STEPS = 120
SEED = 3
_POLL_S = 0.1
_LEAST_MIB = {"replica_gpu_memory": 100, "run_gpu_memory": 1}
"""Who computes on a GPU takes as much: a process for its context alone, a run for its tensors."""
_LOG_LINES = 12
_RAY_LOGS = ("job-driver-*.log", "worker-*.err", "serve/*.log", "raylet.err", "dashboard.log")
_FEW_TRIES = RestartPolicy(limit=2)
"""What fails twice is told at once, in place of minutes of back-off."""
_SPANS: Mapping[str, tuple[str, str, str]] = {
    "appended_to_fired": ("appended", "claimed", "the trigger is asked once a second"),
    "fired_to_first_step": ("claimed", "first step", "freezing, Ray's job, imports, one step"),
    "fired_to_published": ("claimed", "trained", "with scores of base, champion and challenger"),
    "published_to_promoted": ("trained", "promoted", "the promoter looks every 2 s"),
    "promoted_to_loaded": ("promoted", "served", "the replica looks every 0.25 s"),
    "published_to_served": ("trained", "answered", "first customer answered by the adapter"),
    "total": ("claimed", "answered", "trigger to adapter to a served answer"),
}
_TARGETS_CPU = {"fired_to_first_step": "<= 60"}
_AWAITED = (
    "claimed",
    "frozen",
    "submitted",
    "driver",
    "first step",
    "trained",
    "promoted",
    "served",
)

claim = claims_of("train_path")


@dataclass
class Journey:
    """How far one measurement is, for claims and for whoever must find out where it hung."""

    device: str
    is_gpu: bool
    phase: str = "preparing"
    moments: dict[str, datetime] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    """Tokens a second and MiB of GPU memory, where they are known."""
    told: str = ""
    run: str = ""
    """What the run last said of itself."""
    began: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """Say that the next phase has begun."""
        self.phase = phase
        self.say(phase)

    def say(self, what: str) -> None:
        """A line with the seconds since the start, on standard error."""
        print(f"[{time.monotonic() - self.began:6.1f}] {what}", file=sys.stderr, flush=True)

    def claims(self) -> list[Claim]:
        """What was measured so far."""
        found = []
        for what, (start, end, peer) in _SPANS.items():
            if {start, end} <= self.moments.keys():
                took_s = (self.moments[end] - self.moments[start]).total_seconds()
                target = "" if self.is_gpu else _TARGETS_CPU.get(what, "")
                found.append(claim(what, took_s, "s", target, f"{peer}; {self.device}"))
        if "tokens_per_s" in self.numbers:
            rate = self.numbers["tokens_per_s"]
            found.append(claim("tokens_per_s", rate, "1/s", "", f"the run's last; {self.told}"))
        for what, least in _LEAST_MIB.items():
            if what in self.numbers:
                peer = f"taken on {self.device}; none would be: on the CPU"
                found.append(claim(what, self.numbers[what], "MiB", f">= {least}", peer))
        return found


def wished(count: int, *, is_gpu: bool, more: Sequence[str] = ()) -> Settings:
    """The demo's settings with a window of so many examples, overrides last."""
    own = [
        f"trigger.min_fresh_examples={count // 2}", "trigger.max_category_share=1.0",
        f"train.steps={STEPS}", f"train.checkpoint_steps={STEPS}", "ab.initial_share=0.5",
        "serve.ack_wait_s=0.1",
    ]  # fmt: skip
    if is_gpu:
        own += ["train.use_gpu=true", "jobs.gpus_per_worker=0.5", "serve.num_gpus=0.5"]
    return config.load(Path(deskwheel.demo.__file__).with_name("demo.toml"), [*own, *more])


def make_issues(count: int, now: datetime) -> list[ValidatedExample]:
    """Issues of the demo's company with their ideal answers; each query has words of its own."""
    rng, catalogue = random.Random(SEED), load_catalogue()
    issues = [draw_issue(catalogue, rng) for _ in range(count)]
    return [
        valid_example(
            number,
            now,
            query=f"{issue.query} My order is {own_words(number, 4)}.",
            response=issue.answer,
            category=issue.category,
        )
        for number, issue in enumerate(issues)
    ]


def travel(stack: Stack, journey: Journey, count: int) -> None:
    """Go the whole way once; moments and numbers are left in the journey.

    Raises:
        DeskwheelError, RuntimeError, TimeoutError: it did not come to its end.
    """
    before_mib = gpu_memory_mib() if journey.is_gpu else None
    journey.enter(f"starting {', '.join(SERVICES)}")
    stack.start(SERVICES, without=["topics"], policy=_FEW_TRIES)
    stack.wait_ready()
    examples = make_issues(count, datetime.now(UTC))
    # Of the test split, so that nobody has learnt it.
    query, ideal = examples[0].query, examples[0].response
    journey.enter("asking the old bot")
    old = ask(stack, "customer-old", query)
    _note_replica(journey, before_mib)
    journey.enter("appending examples")
    with freezing(stack.settings) as state:
        append(stack.settings, examples)
        journey.moments["appended"] = datetime.now(UTC)
        for moment in _AWAITED:
            journey.enter(f"waiting: {moment}")
            _await(moment, stack, state, journey)
        for evaluation in state.documents("evaluation").values():
            journey.say(f"gate: {evaluation['verdict']}: {'; '.join(evaluation['reasons'])}")
        journey.enter("asking until the adapter answers")
        new = _ask_until(variant_of(state), stack, query)
        journey.moments["answered"] = datetime.now(UTC)
    journey.enter("done")
    print(f"asked: {query}\nideal: {ideal}\n{old[1]}: {old[0]}\n{new[1]}: {new[0]}")


def _note_replica(journey: Journey, before_mib: float | None) -> None:
    """What of the GPU is taken since: the replica's, because no training runs yet."""
    after_mib = gpu_memory_mib() if journey.is_gpu else None
    if before_mib is not None and after_mib is not None:
        journey.numbers["replica_gpu_memory"] = after_mib - before_mib
    elif journey.is_gpu:
        journey.say("nvidia-smi tells no memory: the replica asked for a GPU, that is all we know")


def _await(moment: str, stack: Stack, state: State, journey: Journey) -> None:
    pipeline = stack.settings.pipeline.name
    while True:
        _look(state, pipeline, journey)
        if moment in journey.moments:
            return
        raise_if_lost(state, pipeline)
        for status in stack.status():
            if status.phase == "failed":
                raise RuntimeError(f"service {status.name} failed: {status.problem}")
        for action in state.documents("action").values():
            if action["outcome"] != "promoted":
                raise RuntimeError(
                    f"the gate or the promoter {action['outcome']} the adapter, so that nobody is"
                    f" answered by it: {action['reason']}; give it more --examples"
                )
        time.sleep(_POLL_S)


def _look(state: State, pipeline: str, journey: Journey) -> None:
    """Take over what has happened since the last look."""
    moments = journey.moments
    for window in state.windows(pipeline):
        _note(moments, "claimed", window["claimed_at"])
        if window["phase"] in ("submitted", "trained"):
            _note(moments, "submitted", datetime.now(UTC).isoformat())
    for kind in ("frozen", "trained", "promoted"):
        for entry in state.timeline(pipeline, kind=kind):
            _note(moments, kind, entry["at"])
    for entry in state.timeline(pipeline, kind="served"):
        if entry["subject"] == variant_of(state):
            _note(moments, "served", entry["at"])
    for progress in all_progress(state, pipeline):
        journey.run = progress_sentence(progress, now=datetime.now(UTC))
        _note(moments, "driver", progress.started_at)
        _note(moments, "first step", progress.first_step_at)
        if progress.tokens_per_s:
            journey.numbers["tokens_per_s"] = progress.tokens_per_s
            journey.told = f"{progress.step} steps; {journey.device}"
        if journey.is_gpu:
            journey.numbers["run_gpu_memory"] = (progress.gpu_bytes or 0) / 2**20


def _note(moments: dict[str, datetime], name: str, at: str | None) -> None:
    if at is not None and name not in moments:
        moments[name] = datetime.fromisoformat(at)


def variant_of(state: State) -> str | None:
    """Name of the variant that came of the run; None before it is promoted."""
    found = (name for name, v in state.documents("variant").items() if v["kind"] == "adapter")
    return next(found, None)


def ask(stack: Stack, customer: str, query: str) -> tuple[str, str]:
    """What a customer is answered over HTTP, and by which variant."""
    settings = stack.settings
    token = (Path(settings.pipeline.secrets_dir) / "api_token").read_text("utf-8").strip()
    asked = {
        "model": settings.pipeline.name,
        "user": customer,
        "messages": [{"role": "user", "content": query}],
    }
    request = urllib.request.Request(  # noqa: S310 - our own http address
        f"{stack.addresses()['serving']}/v1/chat/completions",
        data=json.dumps(asked).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        body = json.loads(response.read())
        variant = str(response.headers["x-deskwheel-variant"])
    return str(body["choices"][0]["message"]["content"]), variant


def _ask_until(variant: str | None, stack: Stack, query: str) -> tuple[str, str]:
    """The first answer by a variant; every customer asks once and stays in an arm of the test."""
    for number in range(1000):
        answer = ask(stack, f"customer-{number}", query)
        if answer[1] == variant:
            return answer
    raise RuntimeError(f"none of 1000 customers was answered by {variant}")


def gpu_memory_mib() -> float | None:
    """Memory of the first GPU that is taken, by whomever; None where nothing tells it."""
    told = _nvidia_smi("memory.used")
    return None if told is None else parse_mib(told)


def parse_mib(told: str) -> float | None:
    """The number of nvidia-smi's first line; None where it has none.

    >>> parse_mib("512 MiB"), parse_mib("[N/A]")
    (512.0, None)
    """
    number = told.partition(" ")[0]
    return float(number) if number.isdigit() else None


def _nvidia_smi(field: str) -> str | None:
    program = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.splitlines()), None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread after so many seconds, whatever it waits for."""

    def ring(_number: int, _frame: Any) -> None:
        raise TimeoutError(f"not at its end after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def show_logs(home: Path) -> None:
    """Print the ends of the services' logs, then of Ray's own, on standard error."""
    ray = ray_folder(home) / "session_latest" / "logs"
    files = [home / "logs" / f"{name}.log" for name in SERVICES]
    files += [file for pattern in _RAY_LOGS for file in sorted(ray.glob(pattern))]
    for file in files:
        if end := last_lines(file, _LOG_LINES).strip():
            print(f"--- {file.name}\n{end}", file=sys.stderr, flush=True)


def measure(home: Path, chosen: argparse.Namespace) -> tuple[Journey, bool]:
    """The journey, and whether it came to its end."""
    device = (_nvidia_smi("name") or "a GPU without nvidia-smi") if chosen.gpu else "a CPU"
    journey = Journey(device, chosen.gpu)
    settings = wished(chosen.examples, is_gpu=chosen.gpu, more=chosen.set)
    stack = Stack(home, settings)
    try:
        with time_limit(chosen.limit_s):
            travel(stack, journey, chosen.examples)
        return journey, True
    except Exception as error:  # whatever it is, whoever reads it needs phase and logs
        journey.say(f"FAILED in phase {journey.phase!r}: {type(error).__name__}: {error}")
        services = ", ".join(f"{s.name} {s.phase}" for s in stack.status())
        journey.say(f"{services}; run: {journey.run or 'none yet'}")
        show_logs(stack.home)
        return journey, False
    finally:
        stack.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the claims, and return 1 if the end was not reached or one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu", action="store_true", help="training and serving share one GPU")
    parser.add_argument("--examples", type=int, default=400, metavar="N")
    parser.add_argument("--limit-s", type=float, default=300.0, metavar="S", help="time in all")
    parser.add_argument("--set", action="append", default=[], help="override one setting")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    # As Ctrl-C does it: the stack is stopped on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        journey, is_whole = measure(Path(folder), chosen)
    status = report(journey.claims(), chosen.json)
    return status if is_whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
