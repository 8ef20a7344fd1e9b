"""Email: an RFC 5322 message to the words its author wrote, with the thread it belongs to."""

import re
from collections import Counter
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr, parsedate_to_datetime

from deskwheel import reasons
from transforms.parse.indexed import read_message
from transforms.parse.machine_mail import machine_sign
from transforms.parse.mime import read_body, storable
from transforms.parse.model import Limits, ParsedEvent, RawEvent, Rejection, Said
from transforms.parse.thread import find_links

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_LONGEST_HEADER = 20_000
"""Characters of a header that are read: a long thread's References fit, and a megabyte of encoded
words takes the standard parser three seconds."""


def parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    """The body of a mail as one utterance of an agent or a customer.

    Who wrote it follows from the sender's domain; the conversation is the thread's root by
    References, else In-Reply-To, else the mail itself (RFC 5322, section 3.6.4).
    """
    message = read_message(event.data)
    name, address = parseaddr(_decoded(message, "From"))
    sign = machine_sign(
        message, address, _decoded(message, "Subject"), company_domains=limits.company_domains
    )
    if sign:
        raise Rejection(reasons.MACHINE_MAIL, sign)
    message_ids = _MESSAGE_ID.findall(_decoded(message, "Message-ID"))
    if "@" not in address or not message_ids:
        raise Rejection(reasons.NO_HEADERS, "no From or no Message-ID")
    body = read_body(message)
    if not body.text.strip():
        skipped = f", only {', '.join(sorted(set(body.notes)))}" if body.notes else ""
        raise Rejection(reasons.EMPTY, f"a mail without words{skipped}")
    is_agent = address.rpartition("@")[2].lower() in limits.company_domains
    customer, customer_name = _recipient(message) if is_agent else (address, name)
    said = Said(
        role="agent" if is_agent else "customer",
        text=body.text,
        sent_at=_sent_at(message, event),
        agent_id=address.lower() if is_agent else None,
        status=_decoded(message, "X-Ticket-Status").strip().lower() or None,
        notes=Counter(body.notes),
    )
    return ParsedEvent(
        event_id=message_ids[0],
        conversation_id=_thread_root(message, message_ids[0]),
        customer_id=customer.lower() or None,
        utterances=(said,),
        known_names=tuple(n for n in (name if not is_agent else "", customer_name) if n),
        links=find_links(lambda name: _decoded(message, name), message_ids[0], body.text),
    )


def _decoded(message: Message, name: str) -> str:
    """A header as text; a broken encoded word stays as it is."""
    raw = message.get(name)
    if raw is None:
        return ""
    text = str(raw)[:_LONGEST_HEADER]
    if "=?" not in text:
        return storable(text)
    try:
        return storable(str(make_header(decode_header(text))))
    except (LookupError, ValueError):
        return storable(text)


def _thread_root(message: Message, own: str) -> str:
    for header in ("References", "In-Reply-To"):
        if found := _MESSAGE_ID.findall(_decoded(message, header)):
            return str(found[0])
    return own


def _recipient(message: Message) -> tuple[str, str]:
    pairs = getaddresses([_decoded(message, "To")])
    return (pairs[0][1], pairs[0][0]) if pairs else ("", "")


def _sent_at(message: Message, event: RawEvent) -> datetime:
    """The Date header in UTC, or the envelope's time where it cannot be read."""
    try:
        found = parsedate_to_datetime(_decoded(message, "Date"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return event.envelope_time()
