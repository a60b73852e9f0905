"""What do slow readers cost the others: the server's memory, and how fast a reader that keeps up gets its text?

A scripted engine writes, so that all of the cost is the server's. Clients that read a few bytes per second open
streams one after the other, as many as asked for; meanwhile others read theirs as fast as they come, one after the
other. Each slow client asks for more text than the sockets between it and the server can hold.

    python bench/slow_readers.py [--slow 500] [--tokens 2000] [--running 64] [--rounds 5]

The scripted engine takes 10 ms for a step of all that run at once: 500 readers of 2,000 tokens, 64 at once, are
written to in 156 s at best. Progress is told every ten seconds.

The last line is one JSON object: medians of the milliseconds that a quick reader's stream takes without and beside the
slow ones, their ratio, and the server's memory in MB before, at its highest and after the slow ones left.
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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import psutil

_RECEIVED = 4096
"""Bytes that a slow client's socket takes before it is read."""


@contextmanager
def server(num_slow: int, num_running: int) -> Iterator[tuple[psutil.Process, str]]:
    """A server with a scripted engine, and its address."""
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0"]
    limits = ["--max-running", str(num_running), "--max-waiting", str(num_slow + 8)]
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


def sip(connections: list[socket.socket]) -> None:
    """A few bytes for each."""
    for connection in connections:
        with suppress(BlockingIOError):
            connection.recv(16)


def quick_stream(client: httpx.Client, tokens: int) -> float:
    """Milliseconds that a stream takes that is read as it comes."""
    body = {"prompt": "y", "max_tokens": tokens, "ignore_eos": True, "stream": True}
    began = time.perf_counter()
    with client.stream("POST", "/v1/completions", json=body) as answer:
        answer.raise_for_status()
        for _ in answer.iter_raw():
            pass
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--running", type=int, default=64, help="streams written at once")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with (
        server(arguments.slow, arguments.running) as (process, url),
        httpx.Client(base_url=url, timeout=300) as client,
    ):
        quick_stream(client, 50)
        memory = [process.memory_info().rss]
        alone = [quick_stream(client, 200) for _ in range(arguments.rounds)]
        slow = [slow_reader(url, arguments.tokens) for _ in range(arguments.slow)]
        told = time.monotonic()
        while (state := client.get("/health").json())["running"] + state["waiting"]:
            sip(slow)
            if time.monotonic() > told + 10:
                told = time.monotonic()
                print(f"{state['running']} running, {state['waiting']} waiting", flush=True)
            memory.append(process.memory_info().rss)
            time.sleep(0.2)
        beside = []
        for _ in range(arguments.rounds):
            sip(slow)
            beside.append(quick_stream(client, 200))
            memory.append(process.memory_info().rss)
        for connection in slow:
            connection.close()
        time.sleep(2)
        after = process.memory_info().rss
    megabytes = [round(size / 1e6, 1) for size in (memory[0], max(memory), after)]
    found = {"alone_ms": statistics.median(alone), "beside_ms": statistics.median(beside)}
    found["ratio"] = found["beside_ms"] / found["alone_ms"]
    print(json.dumps(found | {"memory_mb": megabytes, "slow": arguments.slow}))


if __name__ == "__main__":
    main()
