"""An open loop of requests against a gateway: `python -m benchmarks.gateway.load URL …`.

Requests are due at fixed times, whatever the answers do, and latency counts from the time a
request was due: a server that stalls is not measured by fewer requests (coordinated omission).
Prints one JSON object with the latency, status and id of every request.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

_LATE_S = 30.0


@dataclass
class Tally:
    """What came back, in the order of the answers."""

    latencies_s: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    """Ids of what was accepted."""


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self) -> None:
        """Not connected yet."""
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what was asked."""
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without an answer"))

    def data_received(self, data: bytes) -> None:
        """Settle the answer when it is whole."""
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or self._answer is None:
            return
        lower = head.lower()
        size = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < size:
            return
        self._buffer = b""
        if b"connection: close" in lower:
            self.is_open = False
        self._answer.set_result((int(head[9:12]), rest))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


class Client:
    """Free connections to one address; opens another one when all are busy."""

    def __init__(self, url: str) -> None:
        """Connect to nothing yet."""
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self._free: list[Connection] = []

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; 0 where the connection broke."""
        try:
            while self._free and not self._free[-1].is_open:
                self._free.pop()
            connection = self._free.pop() if self._free else await self._open()
            answer = await connection.ask(request)
        except OSError:
            return 0, b""
        if connection.is_open:
            self._free.append(connection)
        return answer

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self.host, self.port)
        return connection


def message(number: int, prefix: str) -> bytes:
    """A chat message of about 350 bytes, as JSON."""
    text = "Hello, my parcel with the new headphones has not arrived and I need it by Friday. "
    return json.dumps(
        {
            "message_id": f"{prefix}-{number}",
            "conversation_id": f"{prefix}-c{number % 500}",
            "customer_id": f"u-{number % 500}",
            "sender": "customer",
            "text": text * 2,
            "sent_at": "2026-04-01T08:00:00.000Z",
        }
    ).encode()


def request(token: str, path: str, body: bytes, media: str = "application/json") -> bytes:
    """The bytes of a request."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def open_loop(
    url: str, token: str, *, rate_per_s: float, seconds: float, prefix: str
) -> Tally:
    """Single events at fixed times."""
    client, tally = Client(url), Tally()
    total = int(rate_per_s * seconds)
    requests = [request(token, "/v1/events/chat", message(i, prefix)) for i in range(total)]
    begin = time.perf_counter() + 0.2

    async def one(number: int) -> None:
        due = begin + number / rate_per_s
        status, body = await client.ask(requests[number])
        tally.latencies_s.append(time.perf_counter() - due)
        tally.statuses.append(status)
        if status == 202:
            tally.ids.append(json.loads(body)["id"])

    tasks = []
    for number in range(total):
        await asyncio.sleep(begin + number / rate_per_s - time.perf_counter())
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.wait(tasks, timeout=_LATE_S)
    return tally


async def closed_loop(
    url: str, token: str, *, clients: int, events: int, seconds: float, prefix: str
) -> Tally:
    """Batches of NDJSON, the next one after the answer; a latency is one of a batch."""
    client, tally = Client(url), Tally()
    begin = time.perf_counter()

    async def one(number: int) -> None:
        sent = 0
        while time.perf_counter() < begin + seconds:
            rows = [
                b'{"channel":"chat","data":' + message(sent + i, f"{prefix}{number}") + b"}"
                for i in range(events)
            ]
            sent += events
            body = request(token, "/v1/batch", b"\n".join(rows), "application/x-ndjson")
            asked = time.perf_counter()
            status, answer = await client.ask(body)
            tally.latencies_s.append(time.perf_counter() - asked)
            tally.statuses.append(status)
            if status == 202:
                tally.ids += [event["id"] for event in json.loads(answer)["events"]]

    await asyncio.gather(*(one(number) for number in range(clients)))
    return tally


def main(argv: Sequence[str] | None = None) -> int:
    """Run one load and print what came back."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--token", required=True)
    parser.add_argument("--prefix", required=True, help="of the event ids")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=200.0, help="single events a second")
    parser.add_argument("--batch", type=int, default=0, help="events a batch, in a closed loop")
    parser.add_argument("--clients", type=int, default=4)
    chosen = parser.parse_args(argv)
    if chosen.batch:
        run = closed_loop(
            chosen.url,
            chosen.token,
            clients=chosen.clients,
            events=chosen.batch,
            seconds=chosen.seconds,
            prefix=chosen.prefix,
        )
    else:
        run = open_loop(
            chosen.url,
            chosen.token,
            rate_per_s=chosen.rate,
            seconds=chosen.seconds,
            prefix=chosen.prefix,
        )
    tally = uvloop.run(run)
    print(json.dumps(vars(tally)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
