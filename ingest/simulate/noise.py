"""Traffic that asks nothing: newsletters, auto-replies, bounces and spam."""

import random
from datetime import datetime

from deskwheel.records import Event
from ingest.envelope import rfc3339
from ingest.simulate import phrases
from ingest.simulate.mail import SUPPORT, Mail, address, mail_bytes, mail_event
from ingest.simulate.names import Namer, drawn
from ingest.simulate.people import draw_customer
from ingest.simulate.render import chat_event

NOISE = ("newsletter", "out_of_office", "bounce", "chat_spam")
"""Every kind of noise in a simulation of fixed size; live traffic has those of `outsiders` too."""


def render_noise(
    kind: str, rng: random.Random, *, moment: datetime, tenant: str, name: Namer | None = None
) -> Event:
    """Return one event of a kind in `NOISE`; its ids are drawn unless a namer is given."""
    name = name or drawn(rng)
    if kind == "chat_spam":
        return chat_message(phrases.SPAM, rng, moment, tenant, name)
    return mail_event(mail_bytes(_MAILS[kind](rng, moment, name), rng), moment, tenant)


def _newsletter(rng: random.Random, moment: datetime, name: Namer) -> Mail:
    return Mail(
        sender="Garden Club <news@garden.example>",
        to=SUPPORT,
        subject="Spring news for your balcony",
        moment=moment,
        message_id=f"{name('', 80)}@garden.example",
        text=phrases.NEWSLETTER,
        extra=(("List-Unsubscribe", "<https://www.garden.example/leave>"), ("Precedence", "bulk")),
    )


def _out_of_office(rng: random.Random, moment: datetime, name: Namer) -> Mail:
    customer = draw_customer(rng, name)
    return Mail(
        sender=address(customer.name, customer.email),
        to=SUPPORT,
        subject="Automatic reply: Re: Question",
        moment=moment,
        message_id=f"{name('', 80)}@example.com",
        text=phrases.OUT_OF_OFFICE,
        extra=(("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")),
    )


def _bounce(rng: random.Random, moment: datetime, name: Namer) -> Mail:
    return Mail(
        sender="Mail Delivery System <MAILER-DAEMON@mx.example.net>",
        to=SUPPORT,
        subject="Undelivered Mail Returned to Sender",
        moment=moment,
        message_id=f"{name('', 80)}@mx.example.net",
        text=phrases.BOUNCE.format(address=draw_customer(rng, name).email),
        extra=(("Auto-Submitted", "auto-replied"), ("Return-Path", "<>")),
    )


def chat_message(
    text: str, rng: random.Random, moment: datetime, tenant: str, name: Namer
) -> Event:
    """Return the only message of a chat that nobody answers."""
    conversation = name("ch-", 48)
    body = {
        "message_id": name("m-", 48),
        "conversation_id": conversation,
        "customer_id": draw_customer(rng, name).id,
        "sender": "customer",
        "agent_id": None,
        "text": text,
        "sent_at": rfc3339(moment),
    }
    return chat_event(body, rng, moment, tenant, key=conversation)


_MAILS = {"newsletter": _newsletter, "out_of_office": _out_of_office, "bounce": _bounce}
