"""A second device on a machine that has none: llama.cpp's RPC server over the bundle's own libraries, on loopback.

``remote_device`` can be killed; ``distorted`` stands between it and the engine and changes what it answers.

    python remote_device.py LIBRARIES HOST:PORT
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def serve(library_directory: Path, endpoint: str) -> None:
    """Offer this machine's CPU as a device, until the process is ended."""
    from coblyn.llama.library import open_library

    library = open_library(library_directory)
    address = library.ggml_backend_reg_get_proc_address(
        library.ggml_backend_reg_by_name(b"RPC"), b"ggml_backend_rpc_start_server"
    )
    kinds = (
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_void_p),
    )
    devices = (ctypes.c_void_p * 1)(library.ggml_backend_dev_by_name(b"CPU"))
    ctypes.CFUNCTYPE(None, *kinds)(address)(endpoint.encode(), None, 1, 1, devices)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def remote_device(library_directory: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server's address and process; it is gone afterwards."""
    port = free_port()
    command = [sys.executable, __file__, str(library_directory), f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(port, process)
            yield f"127.0.0.1:{port}", process
        finally:
            process.kill()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "the RPC server ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)


@contextmanager
def distorted(endpoint: str) -> Iterator[str]:
    """An address that passes everything on, but turns the sign of every other number in long answers."""
    host, _, port = endpoint.rpartition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets = [listener]

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                open_sockets.extend((client, server))
                for way in ((_pass_on, client, server), (_distort, server, client)):
                    threading.Thread(target=way[0], args=way[1:], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for each in open_sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    _end(target)


def _distort(source: socket.socket, target: socket.socket) -> None:
    """Answers are a length in eight bytes and as much data; what is long is numbers."""
    with contextlib.suppress(OSError), source.makefile("rb") as answers:
        while header := answers.read(8):
            data = bytearray(answers.read(int.from_bytes(header, "little")))
            if len(data) > 4096:
                signs = slice(3, None, 8)
                data[signs] = bytes(byte ^ 0x80 for byte in data[signs])
            target.sendall(header + data)
    _end(target)


def _end(target: socket.socket) -> None:
    """Tell that nothing more comes: the server takes one client at a time, and waits for its end."""
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2])
