"""What else reaches a service desk and asks it nothing: only live traffic has it.

Invoices for somebody else, applications, offers, spam, receipts and absences of mail programs in
seven languages, delivery reports; chats and calls by mistake.
"""

import random
from collections.abc import Callable
from datetime import datetime

from deskwheel.records import Event
from ingest.simulate.chance import happens
from ingest.simulate.mail import SUPPORT, Mail, address, mail_bytes, mail_event
from ingest.simulate.names import Namer
from ingest.simulate.noise import NOISE, chat_message, render_noise
from ingest.simulate.people import draw_customer
from ingest.simulate.quotes import draw_locale
from ingest.simulate.render import call_event, spoken
from ingest.simulate.wire import to_event

MACHINE_SIGN_SHARE = 0.7
"""Of automatic answers that say so in a header (RFC 3834); the rest only shows in the words."""

_SUBJECTS = ("Question", "Your order", "Help needed", "Re: Support request")
_INVOICE = (
    "Dear Sir or Madam,\n\nplease find enclosed our invoice {number} over {amount}.00 dollars for"
    " {what}. It is payable within 14 days.\n\n{firm}\nAccounts receivable"
)
_GOODS = ("office chairs", "cleaning in March", "printer paper", "catering", "a parking permit")
_FIRMS = ("Brightwood Supplies", "Harbour Cleaning", "Northvale Catering", "Mill Print")
_APPLICATION = (
    "Dear hiring team,\n\nI would like to apply as {job}. I have worked as {job} for {years} years"
    " and can start next month. My references are at your disposal.\n\nYours sincerely\n{name}"
)
_JOBS = ("a bookkeeper", "a warehouse clerk", "a product designer", "a driver", "an intern")
_OFFER = (
    "Hi,\n\nI came across your website and noticed that it could rank higher. We help firms like"
    " yours to get {percent} % more visitors. Do you have ten minutes this week?\n\nBest\n{name}\n"
    "\nIf you do not want to hear from us, answer with STOP."
)
_SPAM = (
    "CONGRATULATIONS!!! Your address was drawn. Claim your {amount} dollars now: www.prize.example",
    "Cheap watches, best price, order today at www.bargain.example",
    "Your mailbox is full. Confirm your password at www.mailbox-check.example or lose it.",
)
_LETTER = (
    "{title}\n\n{lead}\n\nRead more: www.garden.example/{number}\n\n--\nYou get this mail because"
    " you signed up. Unsubscribe: www.garden.example/leave"
)
_TITLES = ("Garden Club news", "This month's recipes", "Ten tips for your balcony")
_LEADS = ("Tulips are in bloom.", "What to plant in a small pot.", "Our readers' best pictures.")
_CHATS = (
    "wrong window sorry",
    "test",
    "asdf",
    "is this the pharmacy?",
    "hi do u want to earn money from home? www.prize.example",
    "Hello dear, I am looking for a friend.",
)
_CALLS = (
    "hello is this the dentist oh sorry wrong number",
    "hi this is about the car you are selling oh I must have dialled wrong",
    "you have reached the voicemail of please leave a message after the tone",
    "hello hello can anybody hear me",
)

Render = Callable[[random.Random, datetime, str, Namer], Event]


def render_outsider(
    kind: str, rng: random.Random, *, moment: datetime, tenant: str, name: Namer
) -> Event:
    """Return one event of a kind in `OUTSIDERS`."""
    if kind in NOISE:
        return render_noise(kind, rng, moment=moment, tenant=tenant, name=name)
    return _OTHERS[kind](rng, moment, tenant, name)


def _posted(
    rng: random.Random,
    moment: datetime,
    tenant: str,
    name: Namer,
    *,
    sender: str,
    subject: str,
    text: str,
    extra: tuple[tuple[str, str], ...] = (),
) -> Event:
    domain = sender.rpartition("@")[2].rstrip(">")
    mail = Mail(
        sender=sender,
        to=SUPPORT,
        subject=subject,
        moment=moment,
        message_id=f"{name('', 80)}@{domain}",
        text=text,
        extra=extra,
    )
    return mail_event(mail_bytes(mail, rng), moment, tenant)


def _invoice(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    number, firm = f"R-{rng.randint(1000, 9999)}", rng.choice(_FIRMS)
    amount, what = rng.randint(40, 4000), rng.choice(_GOODS)
    text = _INVOICE.format(number=number, amount=amount, what=what, firm=firm)
    return _posted(
        rng, moment, tenant, name,
        sender=f"{firm} <billing@supplier.example>", subject=f"Invoice {number}", text=text,
    )  # fmt: skip


def _application(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    person, job = draw_customer(rng, name), rng.choice(_JOBS)
    text = _APPLICATION.format(job=job, years=rng.randint(1, 20), name=person.name)
    return _posted(
        rng, moment, tenant, name,
        sender=address(person.name, person.email), subject=f"Application as {job}", text=text,
    )  # fmt: skip


def _offer(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    person = draw_customer(rng, name)
    text = _OFFER.format(percent=rng.randint(20, 300), name=person.first)
    return _posted(
        rng, moment, tenant, name,
        sender=f"{person.first} <sales@growth.example>", subject="Quick question", text=text,
    )  # fmt: skip


def _spam(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    text = rng.choice(_SPAM).format(amount=rng.randint(1, 99) * 1000)
    return _posted(
        rng, moment, tenant, name,
        sender=f"Winner Desk <no-reply{rng.randint(1, 999)}@prize.example>",
        subject=rng.choice(("YOU WON", "Last chance", "Account notice")), text=text,
    )  # fmt: skip


def _letter(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    title, lead = rng.choice(_TITLES), rng.choice(_LEADS)
    text = _LETTER.format(title=title, lead=lead, number=rng.randint(100, 999))
    # Some senders still leave out what RFC 2369 asks of them.
    leave = (("List-Unsubscribe", "<https://www.garden.example/leave>"),)
    return _posted(
        rng, moment, tenant, name,
        sender="Garden Club <news@garden.example>", subject=title, text=text,
        extra=leave if happens(rng, MACHINE_SIGN_SHARE) else (),
    )  # fmt: skip


def _away(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    person, locale = draw_customer(rng, name), draw_locale(rng)
    return _posted(
        rng, moment, tenant, name,
        sender=address(person.name, person.email),
        subject=locale.away_subject.format(subject=rng.choice(_SUBJECTS)),
        text=f"{locale.away}\n\n{rng.choice(locale.sign_off)}\n{person.first}",
        extra=_automatic(rng),
    )  # fmt: skip


def _receipt(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    locale, number = draw_locale(rng), f"{rng.randint(10_000, 99_999)}"
    return _posted(
        rng, moment, tenant, name,
        sender="Service Desk <desk@partner.example>",
        subject=locale.received_subject.format(number=number),
        text=locale.received.format(number=number), extra=_automatic(rng),
    )  # fmt: skip


def _automatic(rng: random.Random) -> tuple[tuple[str, str], ...]:
    return (("Auto-Submitted", "auto-replied"),) if happens(rng, MACHINE_SIGN_SHARE) else ()


def _report(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    """A delivery report in its three parts (RFC 3464)."""
    lost, boundary = draw_customer(rng, name).email, name("=_", 64)
    head = (
        f"From: Mail Delivery System <postmaster@mx.example.net>\r\nTo: {SUPPORT}\r\n"
        f"Subject: Delivery Status Notification (Failure)\r\n"
        f"Date: {moment:%d %b %Y %H:%M:%S +0000}\r\nMessage-ID: <{name('', 80)}@mx.example.net>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;"
        f' boundary="{boundary}"\r\n'
    )
    parts = (
        f"Content-Type: text/plain\r\n\r\nYour message to {lost} could not be delivered.",
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {lost}\r\nAction: failed\r\nStatus: 5.1.1",
        f"Content-Type: text/rfc822-headers\r\n\r\nFrom: {SUPPORT}\r\nTo: {lost}",
    )
    body = "".join(f"\r\n--{boundary}\r\n{part}\r\n" for part in parts)
    data = f"{head}{body}\r\n--{boundary}--\r\n".encode()
    headers = {"producer": "mail-gw", "content-type": "message/rfc822"}
    return to_event("email", data, moment, tenant, headers=headers)


def _chat(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    return chat_message(rng.choice(_CHATS), rng, moment, tenant, name)


def _call(rng: random.Random, moment: datetime, tenant: str, name: Namer) -> Event:
    fields = {
        "call_id": name("ca-", 48),
        "customer_id": draw_customer(rng, name).id,
        "agent_id": None,
        "disposition": rng.choice(("voicemail", "dropped", None)),
    }
    segments = [spoken("customer", rng.choice(_CALLS), 0.5, rng)]
    return call_event(fields, segments, rng, moment, moment, tenant)


_OTHERS: dict[str, Render] = {
    "invoice": _invoice,
    "application": _application,
    "offer": _offer,
    "spam": _spam,
    "letter": _letter,
    "away": _away,
    "receipt": _receipt,
    "delivery_report": _report,
    "wrong_chat": _chat,
    "wrong_call": _call,
}

OUTSIDERS: tuple[str, ...] = (*NOISE, *_OTHERS)
"""Every kind of live traffic that asks nothing."""

CHANNEL_OF = {"chat_spam": "chat", "wrong_chat": "chat", "wrong_call": "call"}
"""Kinds that do not come by mail."""
