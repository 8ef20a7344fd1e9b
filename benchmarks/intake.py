"""What parsing, cleaning and redaction do to a labelled stream, without Spark and without Kafka.

`python -m benchmarks.intake FOLDER` reads `FOLDER/events.jsonl` and `FOLDER/gold/` in the format of
`python -m ingest simulate --out`, plus labels: `conversations.jsonl`, `duplicates.jsonl` and
`poison.jsonl` (docs/ingest.md). It runs the very functions that the streaming job maps over
its partitions, and marks repeated event ids as the job does.

Targets stand on what is promised (nothing lost, nothing twice, nothing healthy rejected). Recall
of personal data and the fit of trimmed mails are reported without one.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.claims import Claim, add_json_option, exit_status, report
from benchmarks.labelled import (
    Gold,
    Tally,
    count,
    is_leaked,
    plain,
    share,
    token_f1,
)
from benchmarks.stream_quality.labels import read_labels
from deskwheel import reasons
from deskwheel.records import Event, Pointer, Turn
from deskwheel.settings import Settings
from deskwheel.topics import raw_topic
from ingest.envelope import Arrival, headers_of
from ingest.replay import read_recording
from ingest.sources import CHANNELS
from transforms.clean.author import clean
from transforms.parse import parse_event
from transforms.parse.model import ParsedEvent, RawEvent
from transforms.turns import Rules, turn_rows

SECRET = b"benchmark-only"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of one line of events.jsonl."""

    raw: RawEvent
    rows: Sequence[Turn]
    is_duplicate: bool

    @property
    def verdict(self) -> str:
        """Verdict as the table would hold it."""
        return "duplicate" if self.is_duplicate else self.rows[0].verdict

    @property
    def reason(self) -> str | None:
        """Why it was rejected."""
        return self.rows[0].reason

    @property
    def text(self) -> str:
        """Everything that would be stored of it."""
        return "\n".join(row.text for row in self.rows if row.text)


def take(folder: Path, now: datetime) -> list[Taken]:
    """Every line of the folder, parsed as if the broker had received it at `now`.

    A line that is no event of a known channel stands for an event without content.
    """
    rules = Rules.of(Settings(), SECRET)
    taken, seen = [], set()
    nothing = Arrival(data=b"", received_at=now)
    for offset, line in enumerate(read_recording(folder)):
        event = line if isinstance(line, Event) else CHANNELS["chat"](nothing)
        raw = RawEvent(
            channel=event.channel,
            data=event.data if len(event.data) <= rules.limits.max_event_bytes else b"",
            size=len(event.data),
            headers={name.lower(): value.decode() for name, value in headers_of(event)},
            ingested_at=now,
        )
        pointer = Pointer(topic=raw_topic(event.channel), partition=0, offset=offset)
        rows = turn_rows(raw, pointer, rules, batch_id=0)
        key = (event.channel, rows[0].event_id)
        is_accepted = rows[0].verdict == "accepted"
        taken.append(Taken(raw=raw, rows=rows, is_duplicate=is_accepted and key in seen))
        if is_accepted:
            seen.add(key)
    return taken


def arrivals(taken: Sequence[Taken], gold: Sequence[Gold], repeats: Collection[int]) -> list[Claim]:
    """Whether every event of a dialog is stored once, and machine mail is kept out."""
    lost: Counter[str] = Counter()
    noise, dropped, dialogs = Tally(), 0, 0
    firsts = 0
    for conversation in gold:
        lines = [line for line in conversation["event_lines"] if line not in repeats]
        is_machine = [taken[line].reason == reasons.MACHINE_MAIL for line in lines]
        if conversation["kind"] == "noise":
            noise.add(conversation["noise_reason"], is_hit=all(is_machine))
            continue
        dialogs += 1
        firsts += len(lines)
        dropped += any(is_machine)
        lost.update(
            taken[line].reason or "DUPLICATE" for line in lines if taken[line].verdict != "accepted"
        )
    kept_twice = sum(taken[line].verdict == "accepted" for line in repeats)
    wrong = {r: n for r, n in lost.items() if r in reasons.DEAD_LETTER}
    return [
        count(
            "intake.lost_events", lost.total(), 0, f"{firsts} events of dialogs {dict(lost) or ''}"
        ),
        count(
            "intake.events_wrongly_rejected", sum(wrong.values()), 0, f"{firsts} events of dialogs"
        ),
        count("intake.dialogs_wrongly_dropped", dropped, 0, f"{dialogs} dialogs"),
        count("intake.repeats_kept_twice", kept_twice, 0, f"{len(repeats)} repeated events"),
        *noise.claims("intake.noise_recall", "noise kept out here; the rest meets later stages"),
    ]


def poison(taken: Sequence[Taken], gold: Iterable[Gold], rules: Rules) -> list[Claim]:
    """Whether broken events go to the dead letters, or are mended where that is allowed."""
    tally = Tally()
    for row in gold:
        found = taken[row["line"]]
        is_letter = found.verdict == "rejected" and found.reason in reasons.DEAD_LETTER
        allowed = row["expect"].partition("_or_")[2]
        is_hit = is_letter or (found.verdict == "accepted" and is_mended(found, allowed, rules))
        tally.add(row["kind"], is_hit=is_hit)
    missed = sorted(k for k in tally.trials if tally.hits[k] < tally.trials[k])
    n = tally.trials.total()
    return [
        share("intake.poison_recall", tally.hits.total(), n, f"of broken events; missed {missed}")
    ]


def is_mended(found: Taken, allowed: str, rules: Rules) -> bool:
    """Whether an accepted broken event was made harmless in the way its label allows."""
    latest = found.raw.ingested_at + rules.limits.future_slack
    return {
        "cleaned": "\x00" not in found.text,
        "truncated": len(found.text) < found.raw.size,
        "clamped": all(rules.limits.earliest <= r.sent_at <= latest for r in found.rows),
        "empty": not found.text,
    }.get(allowed, False)


def personal_data(stored: Mapping[str, str], gold: Sequence[Gold]) -> list[Claim]:
    """Recall of labelled spans by type, and look-alikes that were masked by mistake."""
    masked, spoiled = Tally(), Tally()
    for conversation in gold:
        # Their names and places are not labelled.
        if conversation["source"] == "harper_valley":
            continue
        for turn in conversation["turns"]:
            text = stored_text(stored, conversation, turn)
            if text is None:
                continue
            for span in turn["pii"]:
                masked.add(span["type"], is_hit=not is_leaked(span["value"], text))
            for span in turn["not_pii"]:
                if span["type"] == "NOT_PII":
                    spoiled.add("all", is_hit=plain(span["value"]) not in plain(text))
    looks_alike = "of numbers that only look like personal data; 0 is best"
    return [
        *masked.claims("intake.pii_recall", "of labelled spans"),
        share("intake.look_alikes_masked", spoiled.hits["all"], spoiled.trials["all"], looks_alike),
    ]


def mails(taken: Sequence[Taken], gold: Sequence[Gold], rules: Rules) -> list[Claim]:
    """How well a mail is cut down to its author's words, before redaction."""
    bodies = {}
    for found in taken:
        if found.raw.channel == "email" and found.verdict == "accepted":
            parsed = parse_event(found.raw, rules.limits)
            if isinstance(parsed, ParsedEvent):
                bodies[parsed.event_id] = clean("email", parsed.utterances[0].text)
    scores, dirty = [], 0
    for conversation in gold:
        for turn in conversation["turns"] if conversation["channel"] == "email" else ():
            body = next((bodies[m] for m in turn["message_ids"] if m in bodies), None)
            if body is None or conversation["kind"] == "noise":
                continue
            scores.append(token_f1(turn["text"], body))
            unwanted = (plain(part) for part in turn["must_not_contain"])
            dirty += any(part and part in plain(body) for part in unwanted)
    n = len(scores)
    exact = sum(s == 1 for s in scores)
    return [
        Claim(
            id="intake.mail_token_f1", value=sum(scores) / max(n, 1), unit="F1", target="",
            peer=f"mean of {n} mails against what their author wrote",
        ),
        share("intake.mail_exact", exact, n, "of mails with exactly the author's words"),
        share("intake.mail_with_foreign_text", dirty, n, "of mails with quotes or signature left"),
    ]  # fmt: skip


def stored_text(stored: Mapping[str, str], conversation: Gold, turn: Gold) -> str | None:
    """What is stored of a labelled turn: its message, or for a call the whole call."""
    names = turn["message_ids"] or [conversation["conversation_id"]]
    return next((stored[name] for name in names if name in stored), None)


def measure(folder: Path, now: datetime) -> list[Claim]:
    """All claims over a labelled folder."""
    rules = Rules.of(Settings(), SECRET)
    taken = take(folder, now)
    labels = read_labels(folder, len(taken))
    gold, repeats, broken = labels.gold, labels.repeats, labels.poison
    texts: dict[str, list[str]] = defaultdict(list)
    for found in taken:
        if found.verdict == "accepted":
            texts[found.rows[0].event_id].append(found.text)
    stored = {name: "\n".join(parts) for name, parts in texts.items()}
    return [
        *arrivals(taken, gold, repeats),
        *poison(taken, broken, rules),
        *personal_data(stored, gold),
        *mails(taken, gold, rules),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with events.jsonl and gold/")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    return report(measure(arguments.folder, datetime.now(UTC)), arguments.json)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
