"""What do slow readers cost the others: the server's memory, and how fast readers that keep up get their text?

A scripted engine writes, so that all of the cost is the server's. Clients that read a few bytes per second open
streams, as many as asked for, and as many at once as the server writes beside the quick ones; those read short
streams as fast as they come, one after the other each. Each slow client asks for more text than the sockets between
it and the server can hold.

    python bench/slow_readers.py [--slow 500] [--tokens 2000] [--quick 20] [--rate 1024] [--seconds 120] [--rounds 3]

The quick ones are timed alone, while the slow streams are written, and when those are written but not read. The second
costs what writing so many streams costs; with ``--rate 0`` the slow clients read all at once, which tells the two
apart.

The last line is one JSON object: medians of the milliseconds that a quick reader's stream takes alone, beside streams
that are written, and beside written ones that are not read; how many slow streams were written after the seconds
allowed; and the server's memory in MB before, at its highest and after the slow ones left.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import psutil

_MAX_RUNNING = 128
"""Streams that a server writes at once, at most."""
_RECEIVED = 4096
"""Bytes that a slow client's socket takes before it is read."""


@contextmanager
def server(num_slow: int, context: int) -> Iterator[tuple[psutil.Process, str]]:
    """A server with a scripted engine, and its address."""
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0"]
    limits = ["--max-running", str(_MAX_RUNNING), "--max-waiting", str(num_slow)]
    limits += ["--context", str(context)]
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"COBLYN_HOME": home}
        process = subprocess.Popen(
            [*command, *limits], env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout
            line = next(line for line in process.stdout if "http://" in line)
            yield psutil.Process(process.pid), f"http://{line.split('http://')[1].split()[0]}"
        finally:
            process.terminate()
            process.wait(30)


def slow_reader(url: str, tokens: int) -> socket.socket:
    """A stream that was asked for and that is not read."""
    parts = urlsplit(url)
    body = json.dumps(
        {"prompt": "x", "max_tokens": tokens, "ignore_eos": True, "stream": True}
    ).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
    connection.connect((parts.hostname, parts.port))
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    connection.setblocking(False)
    return connection


class Slow(threading.Thread):
    """Reads from all of some connections, at most ``rate`` bytes a second from each; all that comes if that is 0."""

    def __init__(self, connections: list[socket.socket], rate: int) -> None:
        super().__init__(daemon=True)
        self._connections = connections
        self._rate = rate
        self.is_over = threading.Event()

    def run(self) -> None:
        """Read until it is over."""
        while not self.is_over.wait(1.0 if self._rate else 0.05):
            for connection in list(self._connections):
                with suppress(BlockingIOError):
                    connection.recv(self._rate or 1 << 20)


def quick_stream(client: httpx.Client, tokens: int) -> float:
    """Milliseconds that a stream takes that is read as it comes."""
    body = {"prompt": "y", "max_tokens": tokens, "ignore_eos": True, "stream": True}
    began = time.perf_counter()
    with client.stream("POST", "/v1/completions", json=body) as answer:
        answer.raise_for_status()
        for _ in answer.iter_raw():
            pass
    return (time.perf_counter() - began) * 1000


def quick_streams(client: httpx.Client, num_readers: int, rounds: int) -> list[float]:
    """What streams of 200 tokens take that several readers read at the same time."""
    with ThreadPoolExecutor(num_readers) as pool:
        jobs = [pool.submit(quick_stream, client, 200) for _ in range(num_readers * rounds)]
        return [job.result() for job in jobs]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--quick", type=int, default=20)
    parser.add_argument("--rate", type=int, default=1024, help="bytes a second of a slow reader")
    parser.add_argument("--seconds", type=float, default=120.0, help="time for the slow streams")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    quick = (arguments.quick, arguments.rounds)
    num_places = _MAX_RUNNING - arguments.quick
    with (
        server(arguments.slow, (_MAX_RUNNING + 4) * (arguments.tokens + 64)) as (process, url),
        httpx.Client(
            base_url=url, timeout=300, limits=httpx.Limits(max_connections=None)
        ) as client,
    ):
        quick_stream(client, 50)
        memory = [process.memory_info().rss]
        alone = quick_streams(client, *quick)
        slow = list[socket.socket]()
        readers = Slow(slow, arguments.rate)
        readers.start()
        end, written, num_left = time.monotonic() + arguments.seconds, list[float](), 0
        while (num_left or len(slow) < arguments.slow) and time.monotonic() < end:
            num_new = min(num_places - num_left, arguments.slow - len(slow))
            slow += [slow_reader(url, arguments.tokens) for _ in range(num_new)]
            written += quick_streams(client, arguments.quick, 1)
            num_left = client.get("/health").json()["running"]
            memory.append(process.memory_info().rss)
            print(f"{num_left} of {len(slow)} are written, {memory[-1] / 1e6:.1f} MB", flush=True)
        unread = quick_streams(client, *quick)
        memory.append(process.memory_info().rss)
        readers.is_over.set()
        readers.join()
        for connection in slow:
            connection.close()
        time.sleep(2)
        after = process.memory_info().rss
    times = {"alone": alone, "beside_written": written, "beside_unread": unread}
    found = {f"{name}_ms": statistics.median(each) for name, each in times.items() if each}
    megabytes = [round(size / 1e6, 1) for size in (memory[0], max(memory), after)]
    done = len(slow) - num_left
    print(json.dumps(found | {"memory_mb": megabytes, "slow": arguments.slow, "written": done}))


if __name__ == "__main__":
    main()
