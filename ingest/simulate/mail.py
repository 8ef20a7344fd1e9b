"""Dialogues as threads of raw mails (RFC 5322), with all that surrounds the words in real ones.

Greetings, sign-offs, signatures, disclaimers, quoted threads; plain, HTML only or both; 8bit,
quoted-printable or base64; UTF-8 or Latin-1. Written byte by byte, because the standard
library's generator draws boundaries from the global random state.
"""

import base64
import html
import quopri
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from email.header import Header
from email.utils import format_datetime
from functools import partial

from deskwheel.records import Event
from ingest.simulate import phrases
from ingest.simulate.chance import happens
from ingest.simulate.dialogue import Dialogue, Line
from ingest.simulate.names import Namer
from ingest.simulate.quotes import Habit, Quoted, answered
from ingest.simulate.wire import Step, to_event

SUPPORT = "support@acme.example"
LOST_THREAD_SHARE = 0.03
"""Of replies whose mail program drops In-Reply-To and References."""

GAP_S = (90.0, 780.0)
"""Shortest and longest time until the next mail of a thread."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail before it becomes bytes."""

    sender: str
    to: str
    subject: str
    moment: datetime
    message_id: str
    text: str
    extra: Sequence[tuple[str, str]] = ()


@dataclass
class _Thread:
    """What has been mailed so far."""

    dialogue: Dialogue
    habits: Mapping[str, Habit] | None
    """Role → how they answer; without it all quote as one plain program does."""
    subject: str
    signature: str
    ids: list[str] = field(default_factory=list)
    quoted: str = ""
    before: Quoted | None = None


def mail_steps(
    dialogue: Dialogue,
    rng: random.Random,
    *,
    tenant: str,
    name: Namer,
    habits: Mapping[str, Habit] | None = None,
) -> Iterator[Step]:
    """Yield the mails of a thread.

    Args:
        dialogue: the story.
        rng: decides.
        tenant: written into every event.
        name: gives the mails their ids.
        habits: how customer and agent quote and sign.
    """
    subject = rng.choice(phrases.SUBJECTS)
    ticket = f"{rng.randint(0, 99_999):05}"
    sent_from = habits["customer"].locale.sent_from if habits else phrases.SENT_FROM
    thread = _Thread(dialogue, habits, subject, _customer_signature(dialogue, rng, sent_from))
    last = max((i for i, line in enumerate(dialogue.lines) if line.role == "agent"), default=-1)

    def mail(line: Line, is_last: bool, moment: datetime) -> Event:
        extra = _thread_headers(thread, rng)
        if line.role == "agent":
            extra.append(("X-Ticket-ID", ticket))
            if is_last and dialogue.status:
                extra.append(("X-Ticket-Status", dialogue.status))
        written = replace(_mail(thread, line, rng, moment, name), extra=extra)
        thread.ids.append(written.message_id)
        if habits is None:
            thread.quoted = _quote(written, rng)
        else:
            thread.before = _as_quoted(written)
        return mail_event(mail_bytes(written, rng), moment, tenant)

    for i, line in enumerate(dialogue.lines):
        render = partial(mail, line, i == last)
        yield Step(rng.uniform(*GAP_S), render)


def mail_event(data: bytes, moment: datetime, tenant: str) -> Event:
    """Return the event of a raw mail, as the mail gateway sends it."""
    headers = {"producer": "mail-gw", "content-type": "message/rfc822"}
    return to_event("email", data, moment, tenant, headers=headers)


def mail_bytes(mail: Mail, rng: random.Random) -> bytes:
    """Return the raw mail, in one of the shapes that mail programs give it."""
    zone = timezone(timedelta(hours=rng.choice((-8, -5, 0, 1, 2))))
    headers = [
        ("From", mail.sender),
        ("To", mail.to),
        ("Subject", mail.subject),
        ("Date", format_datetime(mail.moment.astimezone(zone).replace(microsecond=0))),
        ("Message-ID", f"<{mail.message_id}>"),
        *mail.extra,
        ("MIME-Version", "1.0"),
    ]
    shape = rng.choices(("plain", "alternative", "html"), weights=(5, 4, 1))[0]
    if shape == "alternative":
        content = _alternative(mail.text, rng)
    else:
        content = _part(mail.text, "html" if shape == "html" else "plain", rng)
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + content


def address(name: str, mailbox: str) -> str:
    """Return `name <mailbox>` with the name encoded where it is not ASCII (RFC 2047)."""
    return f"{name if name.isascii() else Header(name, 'utf-8').encode()} <{mailbox}>"


def _mail(thread: _Thread, line: Line, rng: random.Random, moment: datetime, name: Namer) -> Mail:
    dialogue = thread.dialogue
    customer = dialogue.customer
    their = address(customer.name, customer.email)
    ours = address(f"{dialogue.agent_name} (Larkspur Support)", SUPPORT)
    habit = (thread.habits or {}).get(line.role)
    sign_off = habit.locale.sign_off if habit else phrases.SIGN_OFF
    is_agent = line.role == "agent"
    if is_agent:
        closing = f"{rng.choice(sign_off)}\n{dialogue.agent_name}"
        parts = [f"Hi {customer.first},", line.text, closing, _agent_signature(dialogue)]
    else:
        hello = rng.choice((*phrases.HELLO, "", ""))
        closing = f"{rng.choice(sign_off)}\n{customer.first}" if happens(rng, 0.6) else ""
        parts = [f"{hello}," if hello else "", line.text, closing, thread.signature]
    if happens(rng, 0.1):
        parts.append(habit.locale.disclaimer if habit else phrases.DISCLAIMER)
    if habit is None and thread.quoted and happens(rng, 0.7):
        parts.append(thread.quoted)
    own = "\n\n".join(part for part in parts if part)
    domain = SUPPORT.partition("@")[2] if is_agent else customer.email.partition("@")[2]
    prefix = habit.locale.reply if habit else "Re:"
    return Mail(
        sender=ours if is_agent else their,
        to=their if is_agent else f"Larkspur Support <{SUPPORT}>",
        subject=f"{prefix} {thread.subject}" if thread.ids else thread.subject,
        moment=moment,
        message_id=f"{name('', 80)}@{domain}",
        text=answered(own, thread.before, habit, rng) if habit else own,
    )


def _as_quoted(mail: Mail) -> Quoted:
    return Quoted(
        sender=mail.sender, to=mail.to, subject=mail.subject, moment=mail.moment, text=mail.text
    )


def _thread_headers(thread: _Thread, rng: random.Random) -> list[tuple[str, str]]:
    if not thread.ids or happens(rng, LOST_THREAD_SHARE):
        return []
    references = "\r\n ".join(f"<{known}>" for known in thread.ids)
    return [("In-Reply-To", f"<{thread.ids[-1]}>"), ("References", references)]


def _quote(mail: Mail, rng: random.Random) -> str:
    if happens(rng, 0.25):
        sent = mail.moment.strftime("%d %B %Y %H:%M")
        head = f"-----Original Message-----\nFrom: {mail.sender}\nSent: {sent}\nTo: {mail.to}"
        return f"{head}\nSubject: {mail.subject}\n\n{mail.text}"
    day = mail.moment.strftime("%a, %b %d, %Y at %I:%M %p")
    lines = "\n".join(f"> {line}".rstrip() for line in mail.text.split("\n"))
    return f"On {day} {mail.sender} wrote:\n{lines}"


def _customer_signature(dialogue: Dialogue, rng: random.Random, sent_from: Sequence[str]) -> str:
    if happens(rng, 0.25):
        return rng.choice(sent_from)
    if happens(rng, 0.33):
        customer = dialogue.customer
        phone = f"Tel: ({rng.randint(201, 989)}) 555-0{rng.randint(100, 199)}"
        return f"--\n{customer.name}\n{rng.choice(phrases.JOBS)}\n{phone}\n{customer.email}"
    return ""


def _agent_signature(dialogue: Dialogue) -> str:
    return f"-- \n{dialogue.agent_name}\nLarkspur Customer Support\n555-0100 | www.acme.example"


def _alternative(text: str, rng: random.Random) -> bytes:
    boundary = f"=_{rng.getrandbits(64):016x}"
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    plain, rich = _part(text, "plain", rng), _part(text, "html", rng)
    mark = f"--{boundary}".encode()
    return head.encode() + b"\r\n".join(
        (mark, plain.rstrip(b"\r\n"), mark, rich.rstrip(b"\r\n"), mark + b"--", b"")
    )


def _part(text: str, subtype: str, rng: random.Random) -> bytes:
    body = _html(text) if subtype == "html" else text
    charset = rng.choices(("utf-8", "iso-8859-1"), weights=(4, 1))[0]
    try:
        raw = body.encode(charset)
    except UnicodeEncodeError:
        charset, raw = "utf-8", body.encode()
    encoding = rng.choices(("8bit", "quoted-printable", "base64"), weights=(2, 2, 1))[0]
    if encoding == "quoted-printable":
        raw = quopri.encodestring(raw)
    elif encoding == "base64":
        raw = base64.encodebytes(raw)
    head = (
        f'Content-Type: text/{subtype}; charset="{charset}"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + raw.replace(b"\n", b"\r\n") + b"\r\n"


def _html(text: str) -> str:
    paragraphs = (html.escape(p).replace("\n", "<br>\n") for p in text.split("\n\n"))
    inner = "".join(f"<p>{p}</p>\n" for p in paragraphs)
    return f"<html><head><style>p{{margin:0}}</style></head><body>\n{inner}</body></html>\n"
