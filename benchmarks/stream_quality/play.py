"""A labelled folder through broker, streaming job and gate, and where each of its lines went.

Starts the embedded broker in a folder of its own, publishes the recording as `ingest replay`
does, and runs the verbs that an operator runs: `transforms stream --once` and
`validate watch --once`. The tables stay in the folder for the scores to read.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deskwheel import config
from deskwheel.engines import engine_environment
from deskwheel.errors import PublishError, ServiceError
from deskwheel.records import Event, Pointer
from deskwheel.settings import KafkaSettings, Settings
from deskwheel.stack import Stack
from ingest.dead_letters import list_dead_letters
from ingest.publish import Delivery, Publisher
from ingest.replay import play, read_recording

IDLE_S = 1
"""The shortest idle time: after the replay nothing is under way any more."""

OVERRIDES = (f"transforms.idle_close_s={IDLE_S}", "transforms.close_grace_s=0")
START_S = 180.0
PLAYED_FILE = "played.json"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What was published and what came back as dead letters; the tables lie in `lake`."""

    lake: Path
    places: Sequence[Pointer | None]
    """Where in Kafka each line of events.jsonl was written, in the order of the lines; None for
    one that is blank or no event of a known channel, which `ingest replay` passes over too."""
    letters: Mapping[Pointer, str]
    """Place of each event whose bytes are in a dead-letter topic → reason code."""
    settings: Settings
    seconds: float = 0.0
    """From the first event to the last verdict, the starts of both jobs included."""


def played(folder: Path, home: Path, overrides: Sequence[str]) -> Played:
    """The folder's traffic after every stage up to the gate, or the former playing of `home`.

    Raises:
        ServiceError: a stage failed.
        SetupError: the recording cannot be read.
    """
    known = home / PLAYED_FILE
    if known.exists():
        return _read(known, home)
    stack = Stack(home, config.load(None, [*OVERRIDES, *overrides]))
    stack.start(["broker", "topics"])
    try:
        stack.wait_ready(["broker", "topics"], START_S)
        began = time.monotonic()
        places = _publish(folder, stack.settings)
        # Twice: what the first pass leaves open is idle in the second.
        _run(stack, "transforms", "stream", "--once")
        time.sleep(IDLE_S)
        _run(stack, "transforms", "stream", "--once")
        _run(stack, "validate", "watch", "--once")
        seconds = time.monotonic() - began
        letters = dead_letters(stack.settings.kafka)
    finally:
        stack.stop()
    done = Played(
        lake=Path(stack.settings.pipeline.lake),
        places=places,
        letters=letters,
        settings=stack.settings,
        seconds=seconds,
    )
    keep(known, done)
    return done


def dead_letters(kafka: KafkaSettings) -> dict[Pointer, str]:
    """Place of the original → reason code, for every letter in the dead-letter topics."""
    found = {}
    for topic in list_dead_letters(kafka, limit=sys.maxsize):
        for letter in topic.newest:
            headers = letter.headers
            place = Pointer(
                topic=headers["topic"],
                partition=int(headers["partition"]),
                offset=int(headers["offset"]),
            )
            found[place] = headers["reason"]
    return found


@dataclass
class _Remembering:
    """A publisher that keeps every receipt, because a receipt knows where its event went."""

    publisher: Publisher
    deliveries: list[Delivery] = field(default_factory=list)

    def publish(self, event: Event) -> Delivery:
        """Hand the event over and return its receipt."""
        delivery = self.publisher.publish(event)
        self.deliveries.append(delivery)
        return delivery


def _publish(folder: Path, settings: Settings) -> list[Pointer | None]:
    lines = list(read_recording(folder, tenant=settings.pipeline.tenant))
    with Publisher(settings.kafka) as publisher:
        outlet = _Remembering(publisher)
        result = play((line for line in lines if isinstance(line, Event)), outlet)
        if result.failed:
            raise PublishError(f"{result.failed} events were not acknowledged: {result.errors[0]}")
        places = iter([delivery.wait() for delivery in outlet.deliveries])
    return [next(places) if isinstance(line, Event) else None for line in lines]


def _run(stack: Stack, *words: str) -> None:
    command = [sys.executable, "-m", *words, "--config", str(stack.config)]
    log = stack.home / "logs" / f"{words[0]}.log"
    with log.open("ab") as output:
        done = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env=_environment(), check=False
        )
    if done.returncode:
        tail = log.read_text("utf-8", "replace")[-1500:]
        raise ServiceError(f"`{' '.join(words)}` ended with {done.returncode}: {tail}")


def _environment() -> dict[str, str]:
    return {**os.environ, **engine_environment(is_offline=True)}


def keep(file: Path, done: Played) -> None:
    """Write down what `played` takes for the playing of a folder from then on."""
    body: dict[str, Any] = {
        "lake": str(done.lake),
        "places": [p and asdict(p) for p in done.places],
        "letters": [{**asdict(p), "reason": reason} for p, reason in done.letters.items()],
        "seconds": done.seconds,
    }
    file.write_text(json.dumps(body), encoding="utf-8")


def _read(file: Path, home: Path) -> Played:
    body = json.loads(file.read_text(encoding="utf-8"))
    letters = {}
    for row in body["letters"]:
        reason = row.pop("reason")
        letters[Pointer(**row)] = reason
    return Played(
        lake=Path(body["lake"]),
        places=[p and Pointer(**p) for p in body["places"]],
        letters=letters,
        settings=config.load(home / "deskwheel.toml"),
        seconds=body["seconds"],
    )
