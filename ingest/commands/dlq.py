"""The verb for dead letters: dlq list, show and replay.

Payloads are shown only when somebody asks for them, because they may hold personal data.
"""

import base64
import getpass
import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deskwheel.errors import ConfigError, SetupError
from deskwheel.reasons import MEANING
from deskwheel.records import Pointer
from deskwheel.service import stop_event
from deskwheel.settings import Settings
from deskwheel.topics import DEAD_LETTERS, dead_letter_topic, raw_topic
from ingest import dead_letters
from ingest.commands.output import print_json, progress
from ingest.dead_letters import Chosen, Found, dead_letters_of, read_letters
from ingest.envelope import parsed_time
from ingest.redrive import Redriver, redrive

SHOWN = 20
_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PLACE = re.compile(r"([A-Za-z0-9._-]{1,249})/([0-9]{1,9})/([0-9]{1,18})")


def dlq_verb(settings: Settings, arguments: Namespace) -> int:
    """List dead letters by reason, show some of them, or send them back."""
    if arguments.limit is not None and arguments.limit < 1:
        raise ConfigError(f"--limit must be ≥ 1, got {arguments.limit}")
    chosen = chosen_letters(arguments, now=datetime.now(UTC))
    act = {"list": _list, "show": _show, "replay": _replay}[arguments.action]
    return act(settings, arguments, chosen)


def chosen_letters(arguments: Namespace, *, now: datetime) -> Chosen:
    """Return which letters the arguments mean.

    Raises:
        ConfigError: a topic, reason, time or place is none.
    """
    for reason in arguments.reason or ():
        if reason not in MEANING:
            raise ConfigError(
                f"--reason {reason}: no such code; see docs/reference.md#reason-codes"
            )
    since = moment(arguments.since, "--since", now=now)
    until = moment(arguments.until, "--until", now=now)
    return Chosen(
        topics=_topics(arguments),
        reasons=frozenset(arguments.reason or ()),
        since=since,
        until=until,
        place=_place(arguments.place),
    )


def moment(text: str | None, option: str, *, now: datetime) -> datetime | None:
    """Return the time that a text means: ISO 8601 with its zone, or `2h` and `3d` for ago.

    Raises:
        ConfigError: it is neither.
    """
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    found = parsed_time(text)
    if found is None:
        raise ConfigError(
            f"{option} {text}: write ISO 8601 with its zone, as 2026-04-01T08:00Z, or 30m, 2h, 3d"
        )
    return found


def _topics(arguments: Namespace) -> tuple[str, ...]:
    chosen = [arguments.topic] if arguments.topic else []
    if arguments.channel:
        known = {t.name for t in DEAD_LETTERS}
        by_channel = raw_topic(arguments.channel)
        # Feedback has no channel, but its name is what anybody would type here.
        is_raw = dead_letter_topic(by_channel) in known
        chosen.append(by_channel if is_raw else arguments.channel)
    wanted = {dead_letters_of(name) for name in chosen}
    if len(wanted) > 1:
        raise ConfigError(
            f"--topic {arguments.topic} and --channel {arguments.channel} have no letter in common;"
            " give one of them"
        )
    return tuple(wanted) or tuple(t.name for t in DEAD_LETTERS)


def _place(text: str | None) -> Pointer | None:
    if text is None:
        return None
    parts = _PLACE.fullmatch(text)
    if not parts:
        raise ConfigError(f"{text}: write TOPIC/PARTITION/OFFSET, as raw.chat.dlq/0/12")
    topic = dead_letters_of(parts[1])
    return Pointer(topic=topic, partition=int(parts[2]), offset=int(parts[3]))


def _list(settings: Settings, arguments: Namespace, chosen: Chosen) -> int:
    listed = dead_letters.list_dead_letters(settings.kafka, chosen, limit=arguments.limit or SHOWN)
    if arguments.json:
        print_json([_plain(asdict(t)) for t in listed])
        return 0
    table = Table("topic", "count", "reasons", "newest")
    for t in listed:
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(t.reasons.items()))
        newest = max((letter.at for letter in t.newest), default=None)
        when = newest.isoformat(timespec="seconds") if newest else ""
        table.add_row(t.topic, str(t.count), printable(reasons), when)
    Console().print(table)
    for letter in (letter for t in listed for letter in t.newest):
        facts = " ".join(f"{name}={value}" for name, value in letter.headers.items())
        print(printable(f"{letter.place} {letter.value_bytes} B {facts}"))
    return 0


def _show(settings: Settings, arguments: Namespace, chosen: Chosen) -> int:
    if arguments.payload or arguments.out:
        print("payloads may hold personal data: keep them no longer than needed", file=sys.stderr)
    found = list(islice(read_letters(settings.kafka, chosen), arguments.limit or SHOWN))
    if not found:
        print("no dead letter matches", file=sys.stderr)
        return 1
    shown = [_facts(one, with_payload=arguments.payload) for one in found]
    if arguments.out:
        for one, facts in zip(found, shown, strict=True):
            facts["file"] = _write(Path(arguments.out), one, facts)
    if arguments.json:
        print_json(shown)
    else:
        for one, facts in zip(found, shown, strict=True):
            for line in _lines(one, facts, with_payload=arguments.payload):
                print(line)
    return 0


def _replay(settings: Settings, arguments: Namespace, chosen: Chosen) -> int:
    stop = stop_event()
    with progress(None, is_quiet=arguments.json) as advance:
        job = Redriver(
            settings=settings,
            actor=actor(),
            now=lambda: datetime.now(UTC),
            is_dry=arguments.dry_run,
            stop=stop,
            progress=advance,
        )
        done = redrive(job, chosen, limit=arguments.limit)
    if arguments.json:
        print_json({**asdict(done), "total": done.total})
    else:
        counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in done.counts.items())
        print(f"{done.total} dead letters: {counts or 'nothing to send'}")
        for topic, n in sorted(done.topics.items()):
            print(f"{topic}: {n}")
    for problem in done.problems:
        print(printable(f"ingest dlq: {problem}"), file=sys.stderr)
    return 1 if done.counts.get("failed") or done.counts.get("refused") else 0


def actor() -> str:
    """The account that runs this, for the record."""
    with suppress(KeyError, OSError):  # containers often run under a number without a name
        return getpass.getuser()
    return f"uid {os.getuid()}"


def printable(text: str) -> str:
    """Return a text whose control characters cannot steer a terminal, nor start a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _facts(found: Found, *, with_payload: bool) -> dict[str, Any]:
    letter = found.letter
    headers = [[name, (value or b"").decode("utf-8", "replace")]
               for name, value in found.record.headers]  # fmt: skip
    facts = _plain(asdict(letter)) | {
        "place": letter.place,
        "source": letter.source,
        "origin": letter.origin,
        "attempts": letter.attempts,
        "meaning": MEANING.get(letter.reason, ""),
        "headers": headers,
    }
    if with_payload:
        facts["payload_base64"] = base64.b64encode(found.record.value or b"").decode()
    return facts


def _lines(found: Found, facts: dict[str, Any], *, with_payload: bool) -> Iterator[str]:
    letter = found.letter
    yield printable(f"{letter.place}  {letter.reason}: {facts['meaning']}")
    yield printable(
        f"  rejected {letter.at.isoformat(timespec='seconds')}, lay at {letter.source},"
        f" first at {letter.origin}, sent back {letter.attempts} times"
    )
    yield printable(f"  event {letter.event_id}, key {letter.key}, {letter.value_bytes} bytes")
    for name, value in facts["headers"]:
        yield printable(f"  {name}: {value}")
    if "file" in facts:
        yield f"  payload in {facts['file']}"
    if with_payload:
        text = (found.record.value or b"").decode("utf-8", "backslashreplace")
        yield from (f"  | {printable(line)}" for line in text.splitlines())


def _write(folder: Path, found: Found, facts: dict[str, Any]) -> str:
    """Write a payload and its headers, readable by their owner alone; return the payload's path.

    Raises:
        SetupError: a file cannot be written, or its name is a link's.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    payload = folder / f"{found.letter.place.replace('/', '-')}.bin"
    about = json.dumps(facts, ensure_ascii=False, indent=1).encode() + b"\n"
    for path, data in ((payload, found.record.value or b""), (payload.with_suffix(".json"), about)):
        try:
            with open(path, "wb", opener=_owners) as file:
                file.write(data)
        except OSError as error:
            raise SetupError(
                f"{path}: {error.strerror}; give --out a folder of your own"
            ) from error
    return str(payload)


def _owners(path: str, flags: int) -> int:
    """The descriptor of a file that is its owner's alone, also where it was there before."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def _plain(value: Any) -> Any:
    """The same with times as text, as JSON can hold it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
