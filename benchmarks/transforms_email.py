"""E-mails a second and core from raw bytes to rows of `turns`, and what each step takes.

`python -m benchmarks.transforms_email` makes mails of 12 KB as mail programs write them (text with
`>` quotes, text and HTML, HTML alone; three earlier mails quoted; a signature, a disclaimer, the
headers of four relays) and runs what the streaming job runs for each: parse, decide whether a
machine wrote it, trim, clean, redact the words and the signature, find the keys of its thread. CPU
time of one process counts. The steps are also timed by themselves, where each finds its patterns in
the processor's cache: they add up to less than the whole. Where the peers are installed, they trim
the same bodies in the same run.
"""

import argparse
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape

from benchmarks import peers
from benchmarks.claims import Claim, add_json_option, claims_of, report
from benchmarks.reply_trimming import own_answers
from deskwheel.records import Pointer
from deskwheel.settings import Settings, TransformsSettings
from transforms.clean.author import clean
from transforms.parse import parse_event
from transforms.parse.model import ParsedEvent, RawEvent
from transforms.turns import Rules, turn_rows

_claim = claims_of("transforms_email")

_NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_RULES = Rules.of(
    Settings(transforms=TransformsSettings(company_domains=("acme.example",))), b"benchmark"
)
_BYTES = 12_000
_WORDS = (
    "the order parcel was not delivered to my address and I would like to know when it arrives"
    " please check account invoice refund number because support told me last week that everything"
    " is fine but nothing has changed since then could you look into this again thank for help"
).split()
_PEERS = 60
"""Mails that the peers trim: the slowest takes tens of milliseconds each."""
_ROUNDS = 3


def make_mail(seed: int) -> bytes:
    """One mail of about 12 KB; `seed` decides its text and its form."""
    rng = random.Random(seed)
    kind = ("plain", "both", "html")[seed % 3]
    share = {"plain": 0.93, "both": 0.43, "html": 0.85}[kind]
    own = ["Hello,", *(_paragraph(rng) for _ in range(3))]
    tail = ["Kind regards,\nRobin Toy", "-- \nRobin Toy\nAcme Trading\n555-0100"]
    earlier: list[str] = []
    while sum(map(len, earlier)) < _BYTES * share - 1_500:
        earlier.append(_paragraph(rng))
    message = _headers(rng, seed)
    plain = "\n\n".join([*own, *tail, _quoted(earlier)])
    page = _page([*own, *tail], earlier)
    if kind == "html":
        message.set_content(page, subtype="html")
    else:
        message.set_content(plain)
    if kind == "both":
        message.add_alternative(page, subtype="html")
    return message.as_bytes()


def _paragraph(rng: random.Random) -> str:
    words = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(30, 60)))
    return f"{words.capitalize()}."


def _headers(rng: random.Random, seed: int) -> EmailMessage:
    message = EmailMessage()
    for relay in range(4):
        message["Received"] = (
            f"from mx{relay}.example.net (mx{relay}.example.net [192.0.2.{relay}]) by"
            f" in{relay}.example.com with ESMTPS id {rng.getrandbits(64):x};"
            " Mon, 02 Mar 2026 10:59:00 +0000"
        )
    message["From"] = "Robin Toy <robin@example.com>"
    message["To"] = "Acme Support <support@acme.example>"
    message["Subject"] = "Re: My order"
    message["Date"] = "Mon, 02 Mar 2026 11:00:00 +0000"
    message["Message-ID"] = f"<{seed}@example.com>"
    message["References"] = "<0@acme.example>"
    return message


_ATTRIBUTION = "On Mon, 2 Mar 2026 at 09:00, Acme Support <support@acme.example> wrote:"


def _quoted(paragraphs: Sequence[str]) -> str:
    lines = "\n\n".join(paragraphs).split("\n")
    return "\n".join([_ATTRIBUTION, *(f"> {line}" for line in lines)])


def _page(own: Sequence[str], earlier: Sequence[str]) -> str:
    rows = "".join(f"<p style='margin:0'>{escape(p)}</p>" for p in own).replace("\n", "<br>")
    quote = "".join(f"<div><span>{escape(p)}</span></div><br>" for p in earlier)
    attribution = f"<div class='gmail_attr'>{escape(_ATTRIBUTION)}<br></div>"
    return (
        f"<html><head><style>p{{margin:0}}</style></head><body><div dir='ltr'>{rows}</div>"
        f"<div class='gmail_quote'>{attribution}<blockquote>{quote}</blockquote></div>"
        "</body></html>"
    )


def body_of(data: bytes) -> str:
    """The untrimmed text of a mail."""
    raw = RawEvent("email", data, len(data), {}, _NOW)
    parsed = parse_event(raw, _RULES.limits)
    if not isinstance(parsed, ParsedEvent):
        raise TypeError(f"a generated mail was rejected: {parsed.reason} {parsed.detail}")
    return parsed.utterances[0].text


def rows_cpu_s(mails: Sequence[bytes]) -> float:
    """CPU seconds from the bytes of all mails to their rows, one mail after the other."""
    began = time.process_time()
    for number, mail in enumerate(mails):
        raw = RawEvent("email", mail, len(mail), {}, _NOW)
        pointer = Pointer(topic="raw.email", partition=0, offset=number)
        (row,) = turn_rows(raw, pointer, _RULES, batch_id=0)
        if row.verdict != "accepted":
            raise ValueError(f"a generated mail was {row.verdict}: {row.reason} {row.detail}")
    return time.process_time() - began


def steps_cpu_s(mails: Sequence[bytes]) -> tuple[float, float]:
    """CPU seconds of parsing all mails, and of trimming and cleaning all bodies."""
    began = time.process_time()
    bodies = [body_of(mail) for mail in mails]
    parsed = time.process_time()
    for body in bodies:
        clean("email", body)
    return parsed - began, time.process_time() - parsed


def measure(count: int) -> list[Claim]:
    """All claims over `count` mails."""
    mails = [make_mail(seed) for seed in range(count)]
    size = sum(map(len, mails)) / count
    rows_cpu_s(mails[:30])
    whole = min(rows_cpu_s(mails) for _ in range(_ROUNDS))
    parsing, cleaning = min(steps_cpu_s(mails) for _ in range(_ROUNDS))
    before = count / (parsing + cleaning)
    claims = [
        _claim(
            "mails_per_s", count / whole, "mails/s", ">= 500", f"one core, {size:.0f} bytes each"
        ),
        _claim("before_redaction_per_s", before, "mails/s", "", "parsing and cleaning alone"),
        _claim("parse_ms", 1000 * parsing / count, "ms", "", "MIME, HTML, machine mail"),
        _claim("clean_ms", 1000 * cleaning / count, "ms", "", "trimming and normalising"),
    ]
    if not peers.are_installed():
        print(peers.MISSING)
        return claims
    bodies = [body_of(mail) for mail in mails[:_PEERS]]
    rows = peers.ask("mail_trimming", [{"text": body} for body in bodies])
    took = {name: sum(row[name][1] for row in rows) for name in rows[0]}
    ours = sum(seconds for _, seconds in own_answers(bodies))
    for name in sorted(took, key=took.__getitem__):
        theirs_ms, ours_ms = (1000 * s / len(rows) for s in (took[name], ours))
        peer = f"{theirs_ms:.2f} ms for a mail's body, ours {ours_ms:.2f}"
        slug = name.replace(", ", "_").replace(" ", "_").replace("-", "_")
        claims.append(_claim(f"trim_against_{slug}", took[name] / ours, "×", "", peer))
    return claims


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transforms_email", description=__doc__
    )
    parser.add_argument("--count", type=int, default=600, help="mails to measure (default 600)")
    add_json_option(parser)
    arguments = parser.parse_args(argv)
    return report(measure(arguments.count), arguments.json)


if __name__ == "__main__":
    raise SystemExit(main())
