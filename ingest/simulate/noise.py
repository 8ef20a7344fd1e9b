"""Traffic that asks nothing: newsletters, auto-replies, bounces and spam."""

import random
from datetime import datetime

from deskwheel.records import Event
from ingest.envelope import rfc3339
from ingest.simulate import phrases
from ingest.simulate.mail import SUPPORT, Mail, address, mail_bytes, mail_event
from ingest.simulate.people import draw_customer
from ingest.simulate.render import chat_event

NOISE = ("newsletter", "out_of_office", "bounce", "chat_spam")
"""Every kind of noise."""


def render_noise(kind: str, rng: random.Random, *, moment: datetime, tenant: str) -> Event:
    """Return one event of a kind in `NOISE`."""
    if kind == "chat_spam":
        return _spam(rng, moment, tenant)
    return mail_event(mail_bytes(_MAILS[kind](rng, moment), rng), moment, tenant)


def _newsletter(rng: random.Random, moment: datetime) -> Mail:
    return Mail(
        sender="Garden Club <news@garden.example>",
        to=SUPPORT,
        subject="Spring news for your balcony",
        moment=moment,
        message_id=f"{rng.getrandbits(80):020x}@garden.example",
        text=phrases.NEWSLETTER,
        extra=(("List-Unsubscribe", "<https://www.garden.example/leave>"), ("Precedence", "bulk")),
    )


def _out_of_office(rng: random.Random, moment: datetime) -> Mail:
    customer = draw_customer(rng)
    return Mail(
        sender=address(customer.name, customer.email),
        to=SUPPORT,
        subject="Automatic reply: Re: Question",
        moment=moment,
        message_id=f"{rng.getrandbits(80):020x}@example.com",
        text=phrases.OUT_OF_OFFICE,
        extra=(("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")),
    )


def _bounce(rng: random.Random, moment: datetime) -> Mail:
    return Mail(
        sender="Mail Delivery System <MAILER-DAEMON@mx.example.net>",
        to=SUPPORT,
        subject="Undelivered Mail Returned to Sender",
        moment=moment,
        message_id=f"{rng.getrandbits(80):020x}@mx.example.net",
        text=phrases.BOUNCE.format(address=draw_customer(rng).email),
        extra=(("Auto-Submitted", "auto-replied"), ("Return-Path", "<>")),
    )


def _spam(rng: random.Random, moment: datetime, tenant: str) -> Event:
    conversation = f"ch-{rng.getrandbits(48):012x}"
    body = {
        "message_id": f"m-{rng.getrandbits(48):012x}",
        "conversation_id": conversation,
        "customer_id": draw_customer(rng).id,
        "sender": "customer",
        "agent_id": None,
        "text": phrases.SPAM,
        "sent_at": rfc3339(moment),
    }
    return chat_event(body, rng, moment, tenant, key=conversation)


_MAILS = {"newsletter": _newsletter, "out_of_office": _out_of_office, "bounce": _bounce}
