"""Mails of a thread: greeting, own text, sign-off, signature, disclaimer and quoted mail."""

import html
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from random import Random

from benchmarks.other_stream.details import phone
from benchmarks.other_stream.events import (
    EPOCH,
    Written,
    event,
    label_of,
    pairs_of,
    stamp,
    token,
    turn_label,
)
from benchmarks.other_stream.sources import Row
from benchmarks.other_stream.stories import Story, Turn

DESK = "support@acme.example"
MAILERS = (
    "Apple Mail (2.3731)",
    "Microsoft Outlook 16.0",
    "Thunderbird 115",
    "Gmail Web",
    "K-9 Mail",
)
HEADINGS = {
    "outlook_en": ("-----Original Message-----", "From", "Sent", "To", "Subject"),
    "outlook_de": ("________________________________", "Von", "Gesendet", "An", "Betreff"),
    "outlook_es": ("________________________________", "De", "Enviado", "Para", "Asunto"),
    "outlook_fr": ("-----Message d'origine-----", "De", "Envoyé", "À", "Objet"),
    "outlook_nl": ("-----Oorspronkelijk bericht-----", "Van", "Verzonden", "Aan", "Onderwerp"),
    "plain_original": ("----- Original message -----", "From", "Date", "To", "Subject"),
    "yahoo": ("----- Forwarded Message -----", "From", "Sent", "To", "Subject"),
}
INTROS = {
    "gmail": "On {day:%a, %b} {day.day}, {day:%Y} at {day:%H:%M} {name} <{address}> wrote:",
    "apple": "On {day.day} {day:%b %Y}, at {day:%H:%M}, {name} <{address}> wrote:",
    "gmail_de": "Am {day.day}.{day.month}.{day:%Y} um {day:%H:%M} schrieb {name} <{address}>:",
    "gmail_fr": "Le {day.day}/{day.month}/{day:%Y} à {day:%H:%M}, {name} <{address}> a écrit :",
    "gmail_es": "El {day.day}/{day.month}/{day:%Y} a las {day:%H:%M}, {name} <{address}> escribió:",
    "gmail_it": "Il {day.day}/{day.month}/{day:%Y} alle {day:%H:%M} {name} <{address}> ha scritto:",
}  # fmt: skip


@dataclass(kw_only=True)
class Mail:
    """What a later mail of the thread quotes."""

    name: str
    address: str
    body: str
    at_s: float
    message_id: str
    references: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class _Parts:
    greeting: str = ""
    signoff: str = ""
    signature: str = ""
    disclaimer: str = ""

    def around(self, text: str) -> str:
        parts = (self.greeting, text, self.signoff, self.signature, self.disclaimer)
        return "\n\n".join(part for part in parts if part)


class Postman:
    """Writes the mails of threads."""

    def __init__(self, words: Row, rng: Random) -> None:
        self.words, self.rng = words, rng

    def write(self, story: Story, at_s: float) -> Written:
        """The mails of one conversation, one event each."""
        rng = self.rng
        written = Written(gold=label_of(story, f"em-x{rng.randrange(10**5):05d}-{token(rng, 4)}"))
        subject = rng.choice(
            (rng.choice(self.words["subjects"]), (story.intent or "Acme").replace("_", " "))
        )
        ticket, thread = str(rng.randrange(10000, 99999)), list[Mail]()
        has_tag = rng.random() < 0.4
        last_agent = max((n for n, t in enumerate(story.turns) if t.sender == "agent"), default=-1)
        for n, turn in enumerate(story.turns):
            at_s += 300 + rng.random() * 60000 * bool(n)
            parts = self._parts(story, turn)
            body = parts.around(turn.text)
            mail = self._mail(story, turn, body, at_s)
            is_lost = bool(thread) and rng.random() < 0.03
            if is_lost:
                story.flags["thread_header_lost"] = True
            headers = {"Subject": f"{'Re: ' if n else ''}{subject}"}
            if has_tag and n:
                headers["Subject"] += f" [#{ticket}]"
            if thread and not is_lost:
                headers["In-Reply-To"] = thread[-1].message_id
                headers["References"] = " ".join(m.message_id for m in thread)
            if turn.sender == "agent":
                headers["X-Ticket-ID"] = ticket
                if n == last_agent and story.is_ended and story.status:
                    headers["X-Ticket-Status"] = story.status
            style = rng.choice(self.words["quote"]) if thread and rng.random() < 0.9 else ""
            message = self._message(mail, story, headers, thread, style)
            written.gold["turns"].append(self._label(n, turn, mail, parts, thread, style))
            raw = message.as_bytes(policy=SMTP)
            value = raw.decode("ascii") if _is_ascii(raw) and rng.random() < 0.7 else raw
            made = event(
                "email",
                "",
                value,
                at_s + 5,
                **{"content-type": "message/rfc822", "producer": "mail-gw"},
            )
            written.events.append((at_s + 5, made))
            thread.append(mail)
        if story.is_ended and last_agent < 0:
            written.gold["status_event"] = None
        written.gold["pairs"] = pairs_of(story, written.gold["turns"])
        return written

    def _parts(self, story: Story, turn: Turn) -> _Parts:
        rng, words = self.rng, self.words
        disclaimer = rng.choice(words["disclaimer"]) if rng.random() < 0.2 else ""
        if turn.sender == "agent":
            greeting = rng.choice(words["mail_greeting_agent"]).format(name=story.who.first)
            signoff = f"{rng.choice(words['signoff_agent'])}\n{story.agent}"
            signature = rng.choice(words["agent_signature"]).format(name=story.agent)
            signature = signature if rng.random() < 0.5 else ""
            return _Parts(greeting=greeting, signoff=signoff, signature=signature,
                          disclaimer=disclaimer)  # fmt: skip
        who = story.who
        signature = rng.choice(
            (
                "",
                rng.choice(words["mobile_signature"]),
                f"-- \n{who.name}\n{phone(rng)}",
                f"{who.name}\n{rng.choice(words['titles'])}\nPhone: {phone(rng)}\n{who.email}",
            )
        )
        signoff = rng.choice(words["signoff_customer"])
        if signoff and not signature:
            signoff += f"\n{story.who.first}"
        return _Parts(greeting=rng.choice(words["mail_greeting_customer"]), signoff=signoff,
                      signature=signature, disclaimer=disclaimer)  # fmt: skip

    def _mail(self, story: Story, turn: Turn, body: str, at_s: float) -> Mail:
        is_agent = turn.sender == "agent"
        name = f"{story.agent} (Acme Support)" if is_agent else story.who.name
        address = DESK if is_agent else story.who.email
        host = address.split("@")[1]
        return Mail(name=name, address=address, body=body, at_s=at_s,
                    message_id=f"<{token(self.rng, 20)}@{host}>")  # fmt: skip

    def _message(
        self, mail: Mail, story: Story, headers: dict[str, str], thread: list[Mail], style: str
    ) -> EmailMessage:
        rng = self.rng
        message = EmailMessage(policy=SMTP)
        is_agent = mail.address == DESK
        name = f'"{mail.name}"' if "(" in mail.name else mail.name
        message["From"] = f"{name} <{mail.address}>"
        message["To"] = (
            f"{story.who.name} <{story.who.email}>" if is_agent else f"Acme Support <{DESK}>"
        )
        zone = timezone(timedelta(hours=rng.choice((-8, -5, 0, 1, 2))))
        message["Date"] = format_datetime((EPOCH + timedelta(seconds=mail.at_s)).astimezone(zone))
        message["Message-ID"] = mail.message_id
        for key, value in headers.items():
            message[key] = value
        message["X-Mailer"] = rng.choice(MAILERS)
        kind = rng.choice(("plain", "plain", "alt", "alt", "html"))
        plain = mail.body + _quoted(thread, style)
        rich = _page(mail, thread, style)
        charset = "utf-8" if rng.random() < 0.6 or not _fits(plain) else "windows-1252"
        cte = rng.choice(("quoted-printable", "base64", "8bit"))
        if kind == "html":
            message.set_content(rich, subtype="html", charset=charset, cte=_safe(cte, rich))
        else:
            message.set_content(plain, charset=charset, cte=_safe(cte, plain))
            if kind == "alt":
                message.add_alternative(rich, subtype="html", charset=charset, cte=_safe(cte, rich))
        if rng.random() < 0.06:
            message.add_attachment(b"%PDF-1.4 stub", maintype="application", subtype="pdf",
                                   filename="scan 1.pdf")  # fmt: skip
        for part in message.walk():
            if part.is_multipart():
                part.set_boundary(f"={token(rng, 16)}")  # else drawn anew each time
        return message

    def _label(
        self, n: int, turn: Turn, mail: Mail, parts: _Parts, thread: list[Mail], style: str
    ) -> dict[str, object]:
        label = turn_label(n, turn, turn.text, turn.marks)
        quoted = [line for line in thread[-1].body.split("\n") if len(line) > 25] if thread else []
        forbidden = quoted[:1] if style else []
        forbidden = [line for line in forbidden if line not in turn.text]
        forbidden += [line for line in parts.signature.split("\n")[-1:] if line]
        forbidden += [parts.disclaimer] * bool(parts.disclaimer)
        return label | {
            "agent": mail.name.split(" ")[0] if turn.sender == "agent" else None,
            "message_ids": [mail.message_id],
            "sent_at": stamp(mail.at_s),
            "must_not_contain": forbidden,
            "parts": {**vars(parts), "mime": "mixed"},
        }


def _quoted(thread: list[Mail], style: str) -> str:
    """The thread below a mail, as a mail client writes it in plain text."""
    if not style or not thread:
        return "\n"
    last = thread[-1]
    below = last.body + (_quoted(thread[:-1], style) if len(thread) > 1 else "")
    if style in INTROS:
        quoted = "\n".join(f"> {line}".rstrip() for line in below.rstrip("\n").split("\n"))
        return f"\n\n{_intro(last, style)}\n{quoted}\n"
    return f"\n\n{_heading(last, style)}\n\n{below}"


def _intro(mail: Mail, style: str) -> str:
    return INTROS[style].format(day=_day(mail), name=mail.name, address=mail.address)


def _heading(mail: Mail, style: str) -> str:
    line, sender, sent, to, subject = HEADINGS[style]
    day = f"{_day(mail):%d %B %Y %H:%M}"
    other = DESK if mail.address != DESK else "Customer"
    rows = (
        f"{sender}: {mail.name} <{mail.address}>",
        f"{sent}: {day}",
        f"{to}: {other}",
        f"{subject}: Re: Acme",
    )
    return "\n".join((line, *rows))


def _day(mail: Mail) -> datetime:
    return EPOCH + timedelta(seconds=mail.at_s)


def _page(mail: Mail, thread: list[Mail], style: str) -> str:
    own = _paragraphs(mail.body)
    if not style or not thread:
        return f"<html><body>{own}</body></html>\n"
    last = thread[-1]
    below = _paragraphs(last.body + _quoted(thread[:-1], style))
    if style == "apple":
        intro = html.escape(_intro(last, style))
        quote = f'<br><blockquote type="cite"><div>{intro}</div>{below}</blockquote>'
    elif style in INTROS:
        intro = html.escape(_intro(last, style))
        quote = (f'<div class="gmail_quote"><div class="gmail_attr">{intro}<br></div>'
                 f'<blockquote class="gmail_quote">{below}</blockquote></div>')  # fmt: skip
    else:
        head = "<br>".join(html.escape(line) for line in _heading(last, style).split("\n")[1:])
        line = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"
        quote = f'<div style="{line}"><p>{head}</p></div>{below}'
    return f"<html><body>{own}{quote}</body></html>\n"


def _paragraphs(text: str) -> str:
    blocks = (html.escape(block).replace("\n", "<br>\n") for block in text.split("\n\n"))
    return "\n".join(f"<p>{block}</p>" for block in blocks)


def _fits(text: str) -> bool:
    try:
        text.encode("windows-1252")
    except UnicodeEncodeError:
        return False
    return True


def _safe(cte: str, text: str) -> str:
    """8bit only where no line is too long for SMTP. Source: RFC 5321, 4.5.3.1.6."""
    return "quoted-printable" if cte == "8bit" and max(map(len, text.split("\n"))) > 400 else cte


def _is_ascii(raw: bytes) -> bool:
    return raw.isascii()
