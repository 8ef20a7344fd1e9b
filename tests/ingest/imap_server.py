"""A fake IMAP server for tests: what our source asks for, on 127.0.0.1, with faults on demand."""

import base64
import re
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

PASSWORD = "toy-password"
TOKEN = "toy-token"


@dataclass
class FakeFolder:
    """A folder of the fake: mails by UID, and their numbering."""

    validity: int = 1
    mails: dict[int, bytes] = field(default_factory=dict)
    arrived: dict[int, date] = field(default_factory=dict)
    next_uid: int = 1

    def add(self, mail: bytes, *, arrived: date = date(2026, 4, 1)) -> int:
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.mails[uid], self.arrived[uid] = mail, arrived
        return uid

    def renumber(self) -> None:
        """Give every mail another UID, as a server does that was restored from a backup."""
        mails, self.mails, self.arrived = list(self.mails.values()), {}, {}
        self.validity, self.next_uid = self.validity + 1, 1
        for mail in mails:
            self.add(mail)


class FakeImap:
    """A fake: speaks the few commands that the source uses, and can hang up in mid-answer."""

    def __init__(
        self,
        *,
        can_idle: bool = True,
        tls: ssl.SSLContext | None = None,
        is_starttls: bool = False,
    ) -> None:
        self.tls, self.is_starttls = tls, is_starttls
        self.folders = {"INBOX": FakeFolder()}
        self.commands: list[str] = []
        self.connections = 0
        self.cut_after_mails: list[int] = []
        """For the next connections: how many mails are sent whole before one is cut."""
        self.withheld: list[tuple[str, int]] = []
        """(what is asked for, UID): once left out of an answer that says OK."""
        self.expunged: set[int] = set()
        """UIDs of mails that go after a search, before they are fetched."""
        self.can_idle = can_idle
        self.news = threading.Event()
        self._is_closed = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def inbox(self) -> FakeFolder:
        return self.folders["INBOX"]

    def deliver(self, mail: bytes) -> None:
        """A mail arrives while somebody may be waiting for it."""
        self.inbox.add(mail)
        self.news.set()

    def close(self) -> None:
        self._is_closed = True
        self.news.set()
        # A blocked accept is not woken by close alone.
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self._threads:
            thread.join(5)
        self._server.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            if self._is_closed:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        limit = self.cut_after_mails.pop(0) if self.cut_after_mails else None
        try:
            if self.tls and not self.is_starttls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                _Conversation(self, connection, limit).hold()
        except OSError:
            return


class _Conversation:
    def __init__(self, server: FakeImap, connection: socket.socket, limit: int | None) -> None:
        self._server, self._connection = server, connection
        self._lines = connection.makefile("rb")
        self._left = limit
        self._folder = FakeFolder()

    def hold(self) -> None:
        self._send("* OK the fake is ready")
        # The lines change when the connection is encrypted half-way.
        while line := self._lines.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            self._server.commands.append(re.sub(r"^LOGIN .*", "LOGIN", rest))
            if not self._answer(tag, rest):
                return

    def _send(self, text: str) -> None:
        self._connection.sendall(text.encode() + b"\r\n")

    def _answer(self, tag: str, rest: str) -> bool:
        verb = rest.split(" ", 1)[0].upper()
        if verb == "LOGOUT":
            self._send(f"* BYE\r\n{tag} OK bye")
            return False
        if verb == "STARTTLS" and self._server.tls:
            self._send(f"{tag} OK begin")
            self._connection = self._server.tls.wrap_socket(self._connection, server_side=True)
            self._lines = self._connection.makefile("rb")
            return True
        if verb == "UID":
            verb = f"UID_{rest.split(' ')[1].upper()}"
        done = getattr(self, f"_{verb.lower()}", self._unknown)(rest, tag)
        self._send(f"{tag} {done}")
        return True

    def _unknown(self, rest: str, _tag: str) -> str:
        return f"BAD {rest.split(' ', maxsplit=1)[0]} is unknown to the fake"

    def _capability(self, _rest: str, _tag: str) -> str:
        idle = " IDLE" if self._server.can_idle else ""
        starttls = " STARTTLS" if self._server.is_starttls else ""
        self._send(f"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2{idle}{starttls}")
        return "OK done"

    def _login(self, rest: str, _tag: str) -> str:
        if "busy" in rest:
            return "NO [UNAVAILABLE] later"
        return "OK done" if PASSWORD in rest else f"NO [AUTHENTICATIONFAILED] not with {rest}"

    def _authenticate(self, rest: str, _tag: str) -> str:
        self._send("+ ")
        said = base64.b64decode(self._lines.readline()).decode()
        if rest.endswith("PLAIN"):
            return "OK done" if PASSWORD in said else "NO refused"
        if f"auth=Bearer {TOKEN}\x01" in said:
            return "OK done"
        self._send("+ " + base64.b64encode(b'{"status":"401"}').decode())
        self._lines.readline()
        return "NO refused"

    def _examine(self, rest: str, _tag: str) -> str:
        name = re.search(r'"(.*)"', rest)
        folder = self._server.folders.get(name[1] if name else "")
        if folder is None:
            return "NO no such folder"
        self._folder = folder
        self._send(f"* {len(folder.mails)} EXISTS")
        self._send(f"* OK [UIDVALIDITY {folder.validity}] valid")
        self._send(f"* OK [UIDNEXT {folder.next_uid}] next")
        return "OK [READ-ONLY] open"

    def _uid_search(self, rest: str, _tag: str) -> str:
        wanted = [_range(part) for part in rest.split(" ")[3].split(",")]
        since = re.search(r"SINCE (\d\d)-(\w{3})-(\d{4})", rest)
        first = (
            date(int(since[3]), "JanFebMarAprMayJun".index(since[2]) // 3 + 1, int(since[1]))
            if since
            else date.min
        )
        found = [
            u
            for u in self._folder.mails
            if any(u in part for part in wanted) and self._folder.arrived[u] >= first
        ]
        self._send("* SEARCH " + " ".join(map(str, found)))
        return "OK done"

    def _uid_fetch(self, rest: str, _tag: str) -> str:
        wanted = rest.split(" ")[2]
        uids = {u for part in wanted.split(",") for u in _range(part)}
        for uid in self._server.expunged & set(self._folder.mails):
            del self._folder.mails[uid]
        asked = "RFC822.SIZE" if "RFC822.SIZE" in rest else "BODY"
        for number, (uid, mail) in enumerate(sorted(self._folder.mails.items()), start=1):
            if uid in uids and (asked, uid) in self._server.withheld:
                self._server.withheld.remove((asked, uid))
            elif uid in uids and "RFC822.SIZE" in rest:
                self._send(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(mail)})")
            elif uid in uids:
                self._send_mail(number, uid, mail)
        return "OK done"

    def _send_mail(self, number: int, uid: int, mail: bytes) -> None:
        # Servers may put the UID before the mail or behind it.
        before, behind = (f"UID {uid} ", "") if uid % 2 else ("", f" UID {uid}")
        head = f"* {number} FETCH ({before}BODY[]<0> {{{len(mail)}}}\r\n".encode()
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self._connection.sendall(head + mail[: len(mail) // 2])
                self._connection.shutdown(socket.SHUT_RDWR)
                raise ConnectionError("cut on purpose")
        self._connection.sendall(head + mail + behind.encode() + b")\r\n")

    def _idle(self, _rest: str, _tag: str) -> str:
        self._send("+ idling")
        while not select.select([self._connection], [], [], 0.05)[0]:
            if self._server.news.is_set():
                self._server.news.clear()
                self._send(f"* {len(self._folder.mails)} EXISTS")
        if not self._lines.readline():
            raise ConnectionError("gone")
        return "OK done"


def _range(part: str) -> range:
    low, _, high = part.partition(":")
    return range(int(low), int(high or low) + 1)


@contextmanager
def fake_imap(**how: Any) -> Iterator[FakeImap]:
    server = FakeImap(**how)
    try:
        yield server
    finally:
        server.close()
