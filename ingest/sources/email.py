"""Raw mails (RFC 5322) into events, keyed by the first mail of their thread. Writes `raw.email`."""

import email.policy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from deskwheel.records import Event
from ingest.envelope import Arrival, wrap
from ingest.sources.files import files_under

_HEADER_BYTES = 65_536
"""How much of a mail is searched for its headers, so that an endless one costs little."""

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,248}>")


def read(path: Path, *, tenant: str, now: datetime) -> Iterator[Event]:
    """Yield the mail of each `.eml` file, dated by its Date header, else by `now`."""
    for file in files_under(path, (".eml",)):
        data = file.read_bytes()
        moment = _date(_headers(data)) or now
        yield to_event(Arrival(data=data, received_at=moment, tenant=tenant))


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


def _ids(headers: Message, name: str) -> list[str]:
    return _MESSAGE_ID.findall(str(headers.get(name, "")))


def _date(headers: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(headers.get("Date", "")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
