"""One connection to an IMAP server: log in, open a folder, list, fetch, wait. No topic.

Every failure is told apart: what will be refused again (SetupError) and what may pass
(ServiceError).
"""

import base64
import imaplib
import ipaddress
import logging
import re
import select
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from threading import Event as StopEvent
from typing import Any

from deskwheel.errors import ConfigError, ServiceError, SetupError
from deskwheel.secret import read_secret
from ingest.sources.files import MAX_RECORD_BYTES

CHUNK_BYTES = 4 * 1024 * 1024
"""Mails are fetched together up to this size; a larger one alone, and only so much of it as may
travel."""

CHUNK_MAILS = 50
IDLE_S = 1500.0
"""A server may end an IDLE after half an hour. Source: RFC 2177."""

_LOG = logging.getLogger(__name__)
_TICK_S = 0.1
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_UID = re.compile(rb"\bUID (\d{1,10})")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,19})")
_PASSING = re.compile(rb"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|THROTTLED)\]", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where the mailbox is and who asks for it."""

    host: str
    port: int
    user: str
    password: str
    """Reference to it, see `deskwheel.secret`."""
    token: str
    """Reference to an access token, instead of a password."""
    security: str
    tls_ca_file: str
    timeout_s: float


@dataclass(frozen=True)
class Folder:
    """An open folder."""

    name: str
    validity: int
    """Number of its numbering: another one means that every UID is another mail's."""
    next_uid: int
    """UIDs of all mails in it are below; 0 where the server does not tell."""


class Session:
    """A logged-in connection."""

    def __init__(self, connection: imaplib.IMAP4, account: Account) -> None:
        """Use `opened`, which ends it as well."""
        self._connection = connection
        self._where = f"{account.host}:{account.port}"
        self._can_idle = False

    @staticmethod
    @contextmanager
    def opened(account: Account) -> "Iterator[Session]":
        """Yield a session, logged out at the end.

        Raises:
            SetupError: the server is not who it says, or refuses the login.
            ServiceError: it does not answer, or no longer.
            ConfigError: the secret is not where it should be.
        """
        log_in = _login(account)
        connection: imaplib.IMAP4 | None = None
        is_lost = False
        try:
            connection = _connected(account)
            session = Session(connection, account)
            log_in(connection)
            session._can_idle = "IDLE" in _capabilities(connection)
            yield session
        except ssl.SSLCertVerificationError as error:
            raise SetupError(
                f"{account.host}:{account.port}: its certificate is not trusted:"
                f" {error.verify_message}; see options.tls_ca_file"
            ) from error
        except (imaplib.IMAP4.abort, OSError, EOFError) as error:
            is_lost = True
            where = f"{account.host}:{account.port}"
            raise ServiceError(f"{where}: the mail server does not answer: {error}") from error
        except imaplib.IMAP4.error as error:
            raise SetupError(f"{account.host}:{account.port}: {error}") from error
        finally:
            if connection is not None:
                _end(connection, is_lost=is_lost)

    def open_folder(self, name: str) -> Folder:
        """Open a folder read-only, with everything that has arrived by now.

        Raises:
            SetupError: there is no such folder.
        """
        status, data = self._connection.select(folder_name(name), readonly=True)
        if status != "OK":
            raise SetupError(f"{self._where}: folder {name!r} cannot be opened: {_said(data)}")
        validity, next_uid = (self._told(what) for what in ("UIDVALIDITY", "UIDNEXT"))
        return Folder(name, validity, next_uid)

    def _told(self, what: str) -> int:
        """A number of the answer to the opening; 0 where it is not there."""
        _, data = self._connection.response(what)
        last = data[-1] if data else None
        return int(last) if isinstance(last, bytes) and last.isdigit() else 0

    def search(self, low: int, high: int, since: date | None) -> list[int]:
        """The UIDs of a range, ascending, of mails that arrived on a day or later."""
        criteria = ["UID", f"{low}:{high}"]
        if since:
            criteria += ["SINCE", f"{since.day:02}-{_MONTHS[since.month - 1]}-{since.year:04}"]
        data = self._uid("SEARCH", *criteria)
        found = {int(n) for line in data if isinstance(line, bytes) for n in line.split()}
        return sorted(uid for uid in found if low <= uid <= high)

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield (uid, mail) in order; those that are gone by now are left out.

        Raises:
            ServiceError: the server leaves out one that is still there.
        """
        sizes = self._sizes(uids)
        self._check_gone(set(uids) - set(sizes))
        chunk: list[int] = []
        held = 0
        for uid, size in sorted(sizes.items()):
            if chunk and (held + size > CHUNK_BYTES or len(chunk) >= CHUNK_MAILS):
                yield from self._mails(chunk, sizes)
                chunk, held = [], 0
            chunk.append(uid)
            held += size
        if chunk:
            yield from self._mails(chunk, sizes)

    def _check_gone(self, uids: set[int]) -> None:
        """Ask again for mails that an answer left out: the position must not pass one."""
        if not uids:
            return
        data = self._uid("SEARCH", "UID", _ranges(uids))
        found = {int(n) for line in data if isinstance(line, bytes) for n in line.split()}
        if left := found & uids:
            raise ServiceError(
                f"{self._where}: UID FETCH left out {len(left)} mails that are there, the first"
                f" with UID {min(left)}"
            )
        _LOG.warning("%s: %d mails were gone before they were read", self._where, len(uids))

    def _sizes(self, uids: Sequence[int]) -> dict[int, int]:
        sizes, wanted = {}, set(uids)
        for line in self._uid("FETCH", _ranges(uids), "(UID RFC822.SIZE)"):
            text = line if isinstance(line, bytes) else b"".join(line or ())
            uid, size = _UID.search(text), _SIZE.search(text)
            if uid and size and int(uid[1]) in wanted:
                sizes[int(uid[1])] = int(size[1])
        return sizes

    def _mails(self, uids: Sequence[int], sizes: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
        what = f"(UID BODY.PEEK[]<0.{MAX_RECORD_BYTES}>)"
        found, wanted = dict(_bodies(self._uid("FETCH", _ranges(uids), what))), set(uids)
        # An empty mail may come as a quoted string, which is no body to imaplib.
        self._check_gone({uid for uid in wanted - set(found) if sizes[uid]})
        yield from sorted((uid, data) for uid, data in found.items() if uid in wanted)

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        status, data = self._connection.uid(command, *arguments)
        if status != "OK":
            raise ServiceError(f"{self._where}: UID {command} was refused: {_said(data)}")
        return data

    def await_mail(self, seconds: float, stop: StopEvent) -> None:
        """Return after a time, earlier when the server has word of something or at a stop."""
        if not self._can_idle:
            stop.wait(seconds)
            return
        tag = b"idle"
        self._connection.send(tag + b" IDLE\r\n")
        if self._line_that_starts(tag, b"+").startswith(tag):
            stop.wait(seconds)
            return
        until = time.monotonic() + min(seconds, IDLE_S)
        while not stop.is_set() and time.monotonic() < until and not self._has_word():
            pass
        self._connection.send(b"DONE\r\n")
        self._line_that_starts(tag)

    def _has_word(self) -> bool:
        connection = self._connection.sock
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return True
        return bool(select.select([connection], [], [], _TICK_S)[0])

    def _line_that_starts(self, *starts: bytes) -> bytes:
        while line := self._connection.readline():
            if line.startswith(starts):
                return line
        raise imaplib.IMAP4.abort("the connection was closed")


def _connected(account: Account) -> imaplib.IMAP4:
    if account.security == "none":
        if not _is_here(account.host):
            raise ConfigError(
                f"options.security: none would send the password of {account.user!r} in the open"
                f" to {account.host}; use tls or starttls"
            )
        return imaplib.IMAP4(account.host, account.port, timeout=account.timeout_s)
    context = ssl.create_default_context(cafile=account.tls_ca_file or None)
    if account.security == "tls":
        return imaplib.IMAP4_SSL(
            account.host, account.port, ssl_context=context, timeout=account.timeout_s
        )
    connection = imaplib.IMAP4(account.host, account.port, timeout=account.timeout_s)
    connection.starttls(context)
    return connection


def _end(connection: imaplib.IMAP4, *, is_lost: bool) -> None:
    """Take leave; a server that is away already is not waited for once more."""
    with suppress(imaplib.IMAP4.error, OSError, EOFError):
        if is_lost:
            connection.shutdown()
        else:
            connection.logout()


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _login(account: Account) -> Callable[[imaplib.IMAP4], None]:
    """What logs in; the secret is read now, so that its absence shows before a connection."""
    if bool(account.password) == bool(account.token):
        raise ConfigError("options need either a password or a token, as env:NAME or file:PATH")
    setting = "options.password" if account.password else "options.token"
    secret = read_secret(account.password or account.token, setting=setting)
    if not secret.isprintable():
        raise ConfigError(f"{setting}: the secret holds a line break or another control character")

    def log_in(connection: imaplib.IMAP4) -> None:
        try:
            if account.password:
                _log_in(connection, account.user, secret)
            else:
                answers = iter([f"user={account.user}\x01auth=Bearer {secret}\x01\x01".encode()])
                # A refusal comes as a second challenge, which wants an empty answer.
                connection.authenticate("XOAUTH2", lambda _: next(answers, b""))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            said = str(error.args[0] if error.args else error).replace(secret, "***")[:200]
            where = f"{account.host}:{account.port}"
            if _PASSING.search(said.encode("utf-8", "replace")):
                raise ServiceError(f"{where}: no login at the moment: {said}") from None
            raise SetupError(
                f"{where}: the login of {account.user!r} was refused: {said}; see {setting}"
            ) from None

    return log_in


def _log_in(connection: imaplib.IMAP4, user: str, password: str) -> None:
    """LOGIN, which takes ASCII only; AUTHENTICATE PLAIN (RFC 4616) for anything else."""
    if user.isascii() and password.isascii():
        connection.login(quoted(user), password)
    else:
        connection.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())


def _capabilities(connection: imaplib.IMAP4) -> set[str]:
    """What the server can do now: some tell more after the login."""
    _, data = connection.capability()
    told = b" ".join(line for line in data if isinstance(line, bytes))
    return set(told.decode("ascii", "replace").upper().split())


def _bodies(data: list[Any]) -> Iterator[tuple[int, bytes]]:
    """(uid, mail) of an answer; the UID stands before the mail or behind it."""
    for index, part in enumerate(data):
        if isinstance(part, tuple) and len(part) > 1:
            behind = data[index + 1] if index + 1 < len(data) else b""
            uid = _UID.search(part[0]) or _UID.search(behind if isinstance(behind, bytes) else b"")
            if uid:
                yield int(uid[1]), part[1]


def _ranges(uids: Collection[int]) -> str:
    """A set as IMAP writes it, neighbours joined, so that the line stays short."""
    ranges: list[list[int]] = []
    for uid in sorted(uids):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(f"{a}:{b}" if b > a else str(a) for a, b in ranges)


def quoted(text: str) -> str:
    """A text as IMAP's quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def folder_name(folder: str) -> str:
    """A folder's name as it is sent: modified UTF-7 in quotes.

    Source: RFC 3501 §5.1.3.
    """
    return quoted(re.sub(r"[^\x20-\x7e]+", _shifted, folder.replace("&", "&-")))


def _shifted(found: re.Match[str]) -> str:
    packed = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=")
    return f"&{packed.replace('/', ',')}-"


def _said(data: Sequence[Any]) -> str:
    text = b" ".join(d for d in data if isinstance(d, bytes)).decode("utf-8", "replace")
    return text[:200] or "no reason given"
