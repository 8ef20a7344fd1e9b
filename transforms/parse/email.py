"""Email: an RFC 5322 message to the words its author wrote, with the thread it belongs to."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr, parsedate_to_datetime

from selectolax.lexbor import LexborHTMLParser

from deskwheel import reasons
from transforms.parse.model import Limits, ParsedEvent, RawEvent, Rejection, Said

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_MACHINE_SUBJECT = re.compile(
    r"^\s*(out of office|automatic reply|auto(?:matic)?[- ]?(?:reply|response)|"
    r"undeliver|delivery status notification|mail delivery|returned mail|failure notice)",
    re.IGNORECASE,
)
_BLOCKS = ("br", "p", "div", "li", "tr", "blockquote", "h1", "h2", "h3", "h4")
_MAX_PARTS = 200


def parse(event: RawEvent, limits: Limits) -> ParsedEvent:
    """The body of a mail as one utterance of an agent or a customer.

    Who wrote it follows from the sender's domain; the conversation is the thread's root by
    References, else In-Reply-To, else the mail itself (RFC 5322, section 3.6.4).
    """
    message = message_from_bytes(event.data, policy=policy.compat32)
    name, address = parseaddr(_decoded(message, "From"))
    message_ids = _MESSAGE_ID.findall(_decoded(message, "Message-ID"))
    if "@" not in address or not message_ids:
        raise Rejection(reasons.NO_HEADERS, "no From or no Message-ID")
    if machine := _machine_sign(message, address):
        raise Rejection(reasons.MACHINE_MAIL, machine)
    text = _body(message)
    if not text.strip():
        raise Rejection(reasons.EMPTY, "a mail without words")
    is_agent = address.rpartition("@")[2].lower() in limits.company_domains
    customer, customer_name = _recipient(message) if is_agent else (address, name)
    said = Said(
        role="agent" if is_agent else "customer",
        text=text,
        sent_at=_sent_at(message, event),
        agent_id=address.lower() if is_agent else None,
        status=_decoded(message, "X-Ticket-Status").strip().lower() or None,
    )
    return ParsedEvent(
        event_id=message_ids[0],
        conversation_id=_thread_root(message, message_ids[0]),
        customer_id=customer.lower() or None,
        utterances=(said,),
        known_names=tuple(n for n in (name if not is_agent else "", customer_name) if n),
    )


def _decoded(message: Message, name: str) -> str:
    """A header as text; a broken encoded word stays as it is."""
    raw = message.get(name)
    if raw is None:
        return ""
    try:
        return _storable(str(make_header(decode_header(raw))))
    except (LookupError, ValueError):
        return _storable(str(raw))


def _storable(text: str) -> str:
    """Text without lone surrogates, which UTF-7 and a few other charsets can decode to."""
    return text.encode("utf-8", "replace").decode("utf-8")


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


def _machine_sign(message: Message, address: str) -> str | None:
    """The sign by which a mail was sent by a machine, or None.

    Source: RFC 3834 (Auto-Submitted), RFC 2369 (List-Unsubscribe), RFC 3462 (multipart/report).
    """
    auto = _decoded(message, "Auto-Submitted").strip().lower()
    if auto and auto != "no":
        return f"Auto-Submitted: {auto[:40]}"
    precedence = _decoded(message, "Precedence").strip().lower()
    sender = address.partition("@")[0].lower()
    signs = {
        "multipart/report": message.get_content_type() == "multipart/report",
        "a mailing list": bool(message.get("List-Unsubscribe") or message.get("List-Id")),
        "Precedence": precedence in {"bulk", "list", "junk", "auto_reply"},
        "X-Autoreply": bool(message.get("X-Autoreply") or message.get("X-Autorespond")),
        "sent by the mail system": sender in {"mailer-daemon", "postmaster"},
        "subject": bool(_MACHINE_SUBJECT.match(_decoded(message, "Subject"))),
    }
    return next((name for name, is_shown in signs.items() if is_shown), None)


def _body(message: Message) -> str:
    """Plain text of a mail: its text/plain part, else its HTML as text; attachments are skipped."""
    plain, html = "", ""
    for count, part in enumerate(message.walk()):
        if count >= _MAX_PARTS:
            break
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and not plain.strip():
            plain = _text(part)
        elif kind == "text/html" and not html:
            html = _text(part)
    return plain if plain.strip() else _html_to_text(html)


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    declared = part.get_content_charset() or "utf-8"
    for charset in (declared, "utf-8", "windows-1252", "latin-1"):
        try:
            return _storable(raw.decode(charset).replace("\r\n", "\n").replace("\x00", ""))
        except (ValueError, LookupError):
            continue
    return ""


def _html_to_text(html: str) -> str:
    if not html:
        return ""
    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style", "head", "title"])
    for tag in _BLOCKS:
        for node in tree.css(tag):
            node.insert_before("\n")
    root = tree.body or tree.root
    return root.text() if root is not None else ""
