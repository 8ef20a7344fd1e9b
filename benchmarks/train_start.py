"""How long it takes from the trigger's claim to the first optimizer step, on the embedded stack.

`python -m benchmarks.train_start [--examples N]` starts Ray and the training watcher of an embedded
stack in a temporary folder, then appends N examples, which fire the trigger. Claimed windows are
frozen by validate's own function, asked once a second as its job asks it, without its JVM. Moments
come from the window and from the run's progress document; the clock is one machine's.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.train_window import append, freezing, own_words, raise_if_lost, valid_example
from deskwheel.progress import Progress, all_progress
from deskwheel.records import ValidatedExample
from deskwheel.settings import Settings
from deskwheel.stack import Stack
from deskwheel.state import State

_LIMIT_S = 400.0
_TARGET_S = 60
claim_of = claims_of("train_start")


def make_examples(count: int, now: datetime) -> list[ValidatedExample]:
    """Valid examples of five categories, one customer each."""
    return [_example(number, now) for number in range(count)]


def _example(number: int, now: datetime) -> ValidatedExample:
    words = own_words(number, 12)
    return valid_example(
        number,
        now,
        query=f"How do I reset the lamp that shows {words[:35]}?",
        response=f"Switch it on and off until it blinks {words[36:]}.",
        category=f"C{number % 5}",
    )


def measure(count: int, home: Path) -> list[Claim]:
    """Claims about one start."""
    plain = Settings()
    wished = replace(
        plain,
        trigger=replace(
            plain.trigger,
            min_fresh_examples=count // 2,
            max_category_share=1.0,
            cool_down_s=0.0,
            interval_s=1.0,
        ),
    )
    stack = Stack(home, wished)
    try:
        stack.start(["ray", "trainer"])
        stack.wait_ready()
        return _measured(stack.settings, count)
    finally:
        stack.stop()


def _measured(settings: Settings, count: int) -> list[Claim]:
    with freezing(settings) as state:
        append(settings, make_examples(count, datetime.now(UTC)))
        progress = _first_step(settings, state)
        (window,) = state.windows(settings.pipeline.name)
        frozen = state.timeline(settings.pipeline.name, kind="frozen")[0]["at"]
    moments = [window["claimed_at"], frozen, progress.started_at, str(progress.first_step_at)]
    claimed, froze, began, stepped = (datetime.fromisoformat(moment) for moment in moments)

    def part(what: str, seconds: float, peer: str, target: str = "") -> Claim:
        return claim_of(what, seconds, "s", target, peer)

    return [
        part(
            "fired_to_first_step", (stepped - claimed).total_seconds(),
            "claim to the first report of the training worker", f"<= {_TARGET_S}",
        ),
        part("to_frozen", (froze - claimed).total_seconds(), f"{count} examples, no JVM"),
        part("to_driver", (began - froze).total_seconds(), "watcher, Ray's job server, imports"),
        part("to_step", (stepped - began).total_seconds(), "packing, workers, imports, one step"),
    ]  # fmt: skip


def _first_step(settings: Settings, state: State) -> Progress:
    until, pipeline = time.monotonic() + _LIMIT_S, settings.pipeline.name
    while time.monotonic() < until:
        for progress in all_progress(state, pipeline):
            if progress.first_step_at is not None:
                return progress
        raise_if_lost(state, pipeline)
        time.sleep(0.2)
    raise TimeoutError(f"no optimizer step within {_LIMIT_S:.0f} s; {state.windows(pipeline)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the claims, and return 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=400, metavar="N")
    add_json_option(parser)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return report(measure(chosen.examples, Path(folder)), chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
