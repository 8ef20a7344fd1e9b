"""A TCP proxy that does to connections what networks do: forward, reset, or go silent."""

import selectors
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self

_TICK_S = 0.1
_CHUNK_BYTES = 65_536
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Pair:
    client: socket.socket
    server: socket.socket
    is_silent: bool = False

    def close(self, *, reset: bool = False) -> None:
        for side in (self.client, self.server):
            if reset:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            side.close()


class Proxy:
    """Listens on a port of 127.0.0.1 and forwards to another; what passes can be disturbed."""

    def __init__(self) -> None:
        self.target_port = 0
        """Where to; 0 refuses every connection."""
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._pairs: set[_Pair] = set()
        self._is_closed = False
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._thread.start()

    def reset(self) -> int:
        """Cut every connection with a TCP reset on both sides; return how many."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.close(reset=True)
        return len(pairs)

    def silence(self) -> int:
        """Leave every connection half open: bytes vanish, nobody is told; return how many.

        Connections that are made later work.
        """
        with self._lock:
            for pair in self._pairs:
                pair.is_silent = True
            return len(self._pairs)

    def close(self) -> None:
        """Reset everything and stop listening."""
        self._is_closed = True
        self._thread.join()
        self._listener.close()
        self.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        self._listener.settimeout(_TICK_S)
        while not self._is_closed:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), 1)
            except OSError:
                client.close()
                continue
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, server)
            with self._lock:
                self._pairs.add(pair)
            self.accepted += 1
            threading.Thread(target=self._forward, args=(pair,), daemon=True).start()

    def _forward(self, pair: _Pair) -> None:
        other = {pair.client: pair.server, pair.server: pair.client}
        try:
            with selectors.DefaultSelector() as selector:
                for side in other:
                    selector.register(side, selectors.EVENT_READ)
                while pair in self._pairs:
                    for key, _ in selector.select(_TICK_S):
                        side = key.fileobj
                        assert isinstance(side, socket.socket)
                        data = side.recv(_CHUNK_BYTES)
                        if pair.is_silent:
                            if not data:
                                selector.unregister(side)
                        elif not data:
                            return
                        else:
                            other[side].sendall(data)
        except (OSError, ValueError, KeyError):
            pass  # closed by the other thread, or reset by a peer
        finally:
            with self._lock:
                is_ours = pair in self._pairs
                self._pairs.discard(pair)
            if is_ours:
                pair.close()
