"""Raw mails (RFC 5322) into events, keyed by the first mail of their thread. Writes `raw.email`."""

import email.policy
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from deskwheel.records import Event
from ingest.envelope import Arrival, wrap
from ingest.sources.files import PathOptions, read_files
from ingest.sources.model import Context, FieldMap, Item, Source

_HEADER_BYTES = 65_536
"""How much of a mail is searched for its headers, so that an endless one costs little."""

CARRIED: Mapping[str, tuple[str, ...]] = {
    "event id": ("Message-ID",),
    "conversation": ("References", "In-Reply-To", "Message-ID"),
    "sender": ("From",),
    "customer of an agent's mail": ("To",),
    "sent_at": ("Date",),
    "status": ("X-Ticket-Status",),
    "sign of a machine": ("Auto-Submitted", "List-Id", "List-Unsubscribe", "Precedence"),
}
"""What the stream takes from a mail's headers → the headers it takes it from, in that order."""

NEEDED = frozenset({"event id", "sender"})

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,248}>")


def read(options: PathOptions, context: Context) -> Iterator[Item]:
    """Yield the mail of each `.eml` file, dated by its Date header, else by now."""
    for file in read_files(options, context, (".eml",)):
        yield mail_item(file.data, context, origin=file.name, position=file.position)


def mail_item(data: bytes, context: Context, *, origin: str, position: str) -> Item:
    """Return a raw mail as a record of its source."""
    headers = _headers(data)
    arrival = Arrival(data=data, received_at=_date(headers) or context.now(), tenant=context.tenant)
    return Item(
        event=to_event(arrival),
        origin=origin,
        position=position,
        fields=tuple(_fields(headers, data)) if context.is_sampling else (),
    )


def to_event(arrival: Arrival) -> Event:
    """Return the event of a mail; its id is the Message-ID, brackets included, where readable.

    Its key is the root of the thread (first of References, else In-Reply-To, else its own id),
    which keeps a thread in order within one partition.
    """
    headers = _headers(arrival.data)
    own = _ids(headers, "Message-ID")
    thread = [*_ids(headers, "References"), *_ids(headers, "In-Reply-To"), *own]
    return wrap(
        arrival,
        "email",
        own_id=own[0] if own else None,
        kind="message",
        dataschema="email.v1",
        content_type="message/rfc822",
        key=arrival.key or (thread[0] if thread else ""),
    )


def _headers(data: bytes) -> Message:
    return BytesHeaderParser(policy=email.policy.compat32).parsebytes(data[:_HEADER_BYTES])


def _fields(headers: Message, data: bytes) -> Iterator[FieldMap]:
    """What the stream reads of a mail, then the headers that it does not look at."""
    for canonical, names in CARRIED.items():
        name = next((n for n in names if headers.get(n)), None)
        value = str(headers[name]) if name else None
        is_needed = canonical in NEEDED and name is None
        problem = f"no {' or '.join(names)}" if is_needed else None
        yield FieldMap(canonical=canonical, source=name, value=value, problem=problem)
    body = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[1:]
    yield FieldMap(canonical="text", source="body", value=body[0] if body else None)
    read = {name.lower() for names in CARRIED.values() for name in names}
    for name in {n.lower(): n for n in headers.keys() if n.lower() not in read}.values():
        yield FieldMap(canonical=None, source=name, value=str(headers[name]))


def _ids(headers: Message, name: str) -> list[str]:
    return _MESSAGE_ID.findall(str(headers.get(name, "")))


def _date(headers: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(headers.get("Date", "")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


SOURCE = Source(
    channel="email",
    about="Raw mails (RFC 5322), one .eml file each, of a folder and those in it.",
    options=PathOptions,
    read=read,
)
