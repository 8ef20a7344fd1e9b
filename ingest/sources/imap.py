"""Mails of an IMAP mailbox into events, nothing in it moved or marked. Writes `raw.email`.

Folders are opened read-only and fetched without setting a flag. The position holds, for each
folder, its UIDVALIDITY and the last UID read, so that a restart neither skips nor repeats; where
the server has renumbered a folder it is read again, and its mails are recognised by their ids.

Source: RFC 3501 §2.3.1.1 for unique identifiers, RFC 2177 for IDLE.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from deskwheel.errors import SetupError
from deskwheel.settings import REFERENCE, bounded, described
from ingest.sources.email import mail_item
from ingest.sources.imap_session import Account, Folder, Session
from ingest.sources.model import Context, Item, Source

PORTS = {"tls": 993, "starttls": 143, "none": 143}

_LOG = logging.getLogger(__name__)
_WINDOW_UIDS = 1000
_WIDEST_UIDS = 50_000
"""Of a window behind a gap: imaplib reads no line of an answer beyond a million bytes."""
_LARGEST_UID = 2**32 - 1


@dataclass(frozen=True)
class ImapOptions:
    """Options of an IMAP mailbox."""

    host: str = described("", "Name of the server.", pattern=r"[^\s/]+")
    user: str = described("", "User name.", pattern=r"[^\x00-\x1f\x7f]+")
    password: str = described(
        "", "Where the password is, `env:NAME` or `file:PATH`.", pattern=REFERENCE
    )
    token: str = described(
        "",
        "Where an OAuth access token is (XOAUTH2); read again at each connection.",
        pattern=REFERENCE,
    )
    folders: tuple[str, ...] = described(("INBOX",), "Folders to read.")
    since: str = described(
        "", "Only mails that arrived on this day or later.", pattern=r"|\d{4}-\d\d-\d\d"
    )
    port: int = bounded(0, 0, 65_535, "Port; 0 is 993 with tls, else 143.")
    security: str = described(
        "tls", "How the connection is encrypted; none only on this machine.", tuple(PORTS)
    )
    tls_ca_file: str = described("", "PEM file of the server's authority; empty: the system's.")
    poll_s: float = bounded(30.0, 0.05, 3600, "Time between two looks without word of new mail.")
    timeout_s: float = bounded(60.0, 0.1, 3600, "A server that is silent for so long is away.")


def read(options: ImapOptions, context: Context) -> Iterator[Item]:
    """Yield the mails of the folders, each folder in the order of its UIDs.

    Raises:
        SetupError: the server refuses the login or has no such folder, or is not who it says.
        ServiceError: the server does not answer, or the connection is lost.
        ConfigError: password and token, or neither, or there is no secret at their place.
    """
    account = Account(
        host=options.host,
        port=options.port or PORTS[options.security],
        user=options.user,
        password=options.password,
        token=options.token,
        security=options.security,
        tls_ca_file=options.tls_ca_file,
        timeout_s=options.timeout_s,
    )
    since = _day(options.since)
    progress = _Progress.parsed(context.position)
    with Session.opened(account) as session:
        while not context.stop.is_set():
            for name in options.folders:
                yield from _folder(session, name, progress, context, since)
            if not context.is_following:
                return
            if len(options.folders) > 1:
                session.open_folder(options.folders[0])
            session.await_mail(options.poll_s, context.stop)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise SetupError(f"options.since: {text} is no day; write it as 2026-04-01") from error


def _folder(
    session: Session, name: str, progress: "_Progress", context: Context, since: date | None
) -> Iterator[Item]:
    folder = session.open_folder(name)
    last = progress.last_uid(folder)
    for uids in _windows(session, folder, last, since):
        for uid, data in session.fetch(uids):
            if context.stop.is_set():
                return
            position = progress.after(folder, uid)
            yield mail_item(data, context, origin=f"{name} uid {uid}", position=position)


def _windows(
    session: Session, folder: Folder, last: int, since: date | None
) -> Iterator[Sequence[int]]:
    """The UIDs behind the last one, some at a time: a list of them all may be too long a line."""
    low, size = last + 1, _WINDOW_UIDS
    end = folder.next_uid or _LARGEST_UID
    while low < end:
        high = min(low + size, end) - 1
        uids = session.search(low, high, since)
        for first in range(0, len(uids), _WINDOW_UIDS):
            yield uids[first : first + _WINDOW_UIDS]
        # Without UIDNEXT the end is four thousand million UIDs away.
        widest = _WIDEST_UIDS if folder.next_uid else _LARGEST_UID
        size = _WINDOW_UIDS if uids else min(2 * size, widest)
        low = high + 1


class _Progress:
    """The last UID read of each folder, and the numbering that it belongs to."""

    def __init__(self, folders: Mapping[str, tuple[int, int]]) -> None:
        self._folders = dict(folders)

    @staticmethod
    def parsed(position: str | None) -> "_Progress":
        try:
            kept = json.loads(position or "{}")
            return _Progress({name: (int(v), int(uid)) for name, (v, uid) in kept.items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise SetupError(f"position {str(position)[:80]!r} is not one of IMAP") from error

    def last_uid(self, folder: Folder) -> int:
        validity, uid = self._folders.get(folder.name, (folder.validity, 0))
        if validity == folder.validity:
            return uid
        _LOG.warning(
            "IMAP folder %s was renumbered (UIDVALIDITY %d, was %d): it is read again",
            folder.name, folder.validity, validity,
        )  # fmt: skip
        return 0

    def after(self, folder: Folder, uid: int) -> str:
        self._folders[folder.name] = (folder.validity, uid)
        return json.dumps(self._folders, separators=(",", ":"))


SOURCE = Source(
    channel="email",
    about="Mails of an IMAP mailbox, followed by IDLE or polling; none is moved or marked.",
    options=ImapOptions,
    read=read,
    facts={"login": "password, or an OAuth access token (XOAUTH2)"},
)
