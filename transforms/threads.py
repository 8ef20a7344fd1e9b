"""Mails to conversations: which thread a mail continues, by what is known of earlier mails.

Pure; `transforms.thread_lookup` brings the mails of a micro-batch and what the table `turns`
knows. Of two ways to name a thread the stronger wins: the mail itself, when an earlier one referred
to it; the mails that it refers to, the nearest first; its ticket; and for a reply that lost its
headers the subject with the customer. What nobody knows is a thread of its own, named after the
oldest mail that it refers to. Threads that turn out to be one are not united: what is written
stays, so that a replayed batch gives the same ids.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deskwheel import ids
from transforms.parse.thread import Links

OWN, REFERENCE, TICKET, START, REPLY = "i", "r", "t", "s", "q"
"""Kinds of keys: the mail's own id, ids it refers to, tickets, and the subject with the customer,
of a mail that starts a thread and of one that replies. A key is its kind, `-` and a keyed hash."""

_SAME_NAMES = {OWN: (OWN, REFERENCE), REFERENCE: (OWN, REFERENCE), TICKET: (TICKET,)}
"""Kinds whose hashes can be equal, the surest first."""

SAME_SPACE = {**_SAME_NAMES, START: (START, REPLY), REPLY: (START, REPLY)}
"""Kind → kinds whose keys may have the same hash, those of subjects too."""

_HASH_CHARS = 24


@dataclass(frozen=True)
class Mail:
    """A mail of the micro-batch, or one that is stored."""

    conversation_id: str
    """By its own headers; of a stored mail the thread that it was found to belong to."""
    sent_at: datetime
    keys: Sequence[str]


def thread_keys(links: Links, customer: str, *, secret: bytes, tenant: str) -> tuple[str, ...]:
    """The keys of a mail, or of an outcome of one, in the order in which they are tried.

    Tickets and subjects count for one customer only: a number in a subject is easily guessed.
    """

    def key(kind: str, *parts: str) -> str:
        space = "mail" if kind in (OWN, REFERENCE) else "ticket" if kind == TICKET else "subject"
        message = ids.digest(tenant, space, *parts).encode()
        return f"{kind}-{hmac.new(secret, message, hashlib.sha256).hexdigest()[:_HASH_CHARS]}"

    customer = customer.strip().casefold()
    keys = [key(OWN, links.own)] if links.own else []
    keys += [key(REFERENCE, r) for r in links.references]
    if customer:
        keys += [key(TICKET, ticket, customer) for ticket in links.tickets]
        if links.subject:
            keys.append(key(REPLY if links.is_reply else START, links.subject, customer))
    return tuple(keys)


def assign_threads(
    mails: Sequence[Mail], stored: Iterable[Mail], *, subject_window: timedelta
) -> list[str]:
    """The conversation of each mail, in the order in which they are given.

    Mails are taken in order of event time, those of one moment by their first key: the outcome
    depends on what is given, not on how it is ordered. A subject links mails that are at most
    `subject_window` apart.
    """
    known = _Known(subject_window)
    for mail in stored:
        known.add(mail)
    found = [""] * len(mails)
    order = sorted(range(len(mails)), key=lambda n: (mails[n].sent_at, *mails[n].keys[:1]))
    for n in order:
        mail = mails[n]
        found[n] = known.thread_of(mail) or mail.conversation_id
        known.add(Mail(found[n], mail.sent_at, mail.keys))
    return found


class _Known:
    """Mails by their keys."""

    def __init__(self, subject_window: timedelta) -> None:
        self._by_key: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._window = subject_window

    def add(self, mail: Mail) -> None:
        for key in mail.keys:
            self._by_key[key].append((mail.sent_at, mail.conversation_id))

    def thread_of(self, mail: Mail) -> str | None:
        for key in mail.keys:
            kind, name = key[0], key[1:]
            if kind in _SAME_NAMES:
                found = self._named(kind, name)
            else:
                found = self._by_subject(kind, name, mail.sent_at)
            if found is not None:
                return found
        return None

    def _named(self, kind: str, name: str) -> str | None:
        """The thread of the mail or ticket with this name: where it is, before who refers to it."""
        for same in _SAME_NAMES[kind]:
            if entries := self._by_key.get(same + name):
                # A ticket that was used again means its newest thread.
                return (max(entries) if kind == TICKET else min(entries))[1]
        return None

    def _by_subject(self, kind: str, name: str, at: datetime) -> str | None:
        if kind == REPLY:
            before = [e for e in self._of_subject(name) if at - self._window <= e[0] <= at]
            return max(before)[1] if before else None
        # A mail that starts a thread joins only a reply to it that was read first.
        started = {conversation for _, conversation in self._by_key.get(START + name, ())}
        orphans = [
            (sent_at, conversation)
            for sent_at, conversation in self._by_key.get(REPLY + name, ())
            if at < sent_at <= at + self._window and conversation not in started
        ]
        return min(orphans)[1] if orphans else None

    def _of_subject(self, name: str) -> Iterator[tuple[datetime, str]]:
        for kind in (START, REPLY):
            yield from self._by_key.get(kind + name, ())
