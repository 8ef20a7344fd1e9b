"""HTTP/1.1 out of a connection, with limits that uvicorn's protocol leaves open.

A head (request line and headers) is bounded in bytes and in time, and whatever is no HTTP gets the
same JSON body as every refusal. Reads and writes no topic.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deskwheel import reasons
from ingest.gateway.refusal import Refusal

MAX_HEAD_BYTES = 65_536
"""httptools collects headers without an end; this is twice what proxies usually allow."""

HEAD_S = 15.0
"""How long a client may take for a head, from its connection or the head's first byte."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection; everything but its limits is uvicorn's."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._head_bytes = 0
        self._is_in_head = True
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client its time for the first head."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._forget_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            if not self.transport.is_closing():
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "its head is too large")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head = True
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self.transport.close)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._is_in_head = False
        self._head_bytes = 0
        self._forget_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer with our body instead of a line of text."""
        self._refuse(HTTPStatus.BAD_REQUEST, "it is no HTTP/1.1")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        refusal = Refusal(status, reasons.REQUEST_BROKEN, f"the request cannot be read: {why}")
        content = json.dumps(refusal.body()).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
