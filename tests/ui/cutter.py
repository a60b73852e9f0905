"""A road to a server that can be cut, as a proxy or a bad connection does it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Cutter:
    """Forwards connections to a server.

    Args:
        address: The server's.

    Attributes:
        address: Its own.
    """

    def __init__(self, address: str) -> None:
        server = urlsplit(address)
        self._server = (str(server.hostname), int(server.port or 80))
        self._door = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._welcome, daemon=True).start()

    def cut(self) -> int:
        """Cut what is connected now. Gives how many connections that were."""
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _shut(end)
        return len(ends) // 2

    def close(self) -> None:
        """Let nobody in any more, and cut the rest."""
        _shut(self._door)
        self.cut()

    def _welcome(self) -> None:
        while True:
            try:
                guest, _ = self._door.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:
                guest.close()
                continue
            with self._lock:
                self._ends |= {guest, server}
            for source, sink in ((guest, server), (server, guest)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        with self._lock:
            self._ends -= {source, sink}
        _shut(source)
        _shut(sink)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def cutter(address: str) -> Iterator[Cutter]:
    """One that is closed at the end."""
    road = Cutter(address)
    try:
        yield road
    finally:
        road.close()
