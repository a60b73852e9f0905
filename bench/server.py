"""How fast is a server, beside the bare C loop, and beside another server?

Decode is what a user sees: tokens a second after the first one, of one stream and of several together. Each round asks
the servers in turn, so that what is compared ran side by side; medians of ratios are quoted, never times.

    python bench/server.py MODEL.gguf                        Coblyn over HTTP and the bare loop of its bundle
    python bench/server.py MODEL.gguf --other http://...     and an OpenAI-compatible server with the same model

The servers should use the same threads and the same number of parallel places. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

PROMPT = "The old miner put down his lamp and listened. Far below, somebody was knocking. " * 4


@dataclass(frozen=True)
class Speed:
    """Tokens a second of decode, over all streams, and the mean seconds to the first token."""

    decode: float
    first: float


@contextlib.contextmanager
def coblyn(model: str, streams: int) -> Iterator[str]:
    """A Coblyn server on a free port."""
    command = [sys.executable, "-m", "coblyn", "serve", model, "--port", "0"]
    command += ["--max-running", str(streams)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        greeting = process.stdout.readline()
        try:
            yield next(word for word in greeting.split() if word.startswith("http://"))
        finally:
            process.terminate()
            process.wait(20)


class Stream:
    """One streamed completion, read from a bare socket.

    No chunk is parsed and no event loop runs: on a small machine a client that works takes from what it measures.
    """

    def __init__(self, url: str, count: int, index: int) -> None:
        body = json.dumps(
            {
                "prompt": f"{index} {PROMPT}",
                "max_tokens": count,
                "temperature": 0.8,
                "top_k": 40,
                "seed": 1,
                "stream": True,
                "ignore_eos": True,
                "stream_options": {"include_usage": True},
            }
        )
        target = urlsplit(url)
        head = f"POST /v1/completions HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket = socket.create_connection((target.hostname, target.port or 80))
        self.socket.sendall((head + body).encode())
        self.started, self.first, self.last = time.perf_counter(), 0.0, 0.0
        self._end = b""

    def read(self) -> bool:
        """Take what has arrived; False at the end."""
        data = self.socket.recv(1 << 16)
        self._end = (self._end + data)[-4096:]
        if not self.first and b"data: {" in self._end:
            self.first = time.perf_counter()
        if not data:
            self.last = time.perf_counter()
            self.socket.close()
        return bool(data)

    @property
    def num_tokens(self) -> int:
        """Tokens that the server says to have generated."""
        found = re.findall(rb'"completion_tokens": ?(\d+)', self._end)
        return int(found[-1]) if found else 0


def ask(url: str, num_streams: int, count: int) -> Speed:
    """All streams together."""
    streams = [Stream(url, count, index) for index in range(num_streams)]
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.socket, selectors.EVENT_READ, stream)
        while selector.get_map():
            for key, _ in selector.select():
                if not key.data.read():
                    selector.unregister(key.fd)
    if any(stream.num_tokens != count for stream in streams):
        raise SystemExit(f"{url} did not generate the {count} tokens that were asked for")
    decode = sum((count - 1) / (stream.last - stream.first) for stream in streams)
    return Speed(decode, statistics.mean(stream.first - stream.started for stream in streams))


def bare_loop(model: str, count: int) -> float:
    """Tokens a second of the bare C loop of the bundle."""
    command = [sys.executable, "-m", "coblyn", "bench", model, "--json", "--repeats", "1"]
    command += ["--prompt", "100", "--generate", str(count), "--streams", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["bare_decode"])


def main() -> None:
    """Measure, print a table, and then one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--other", help="Address of another OpenAI-compatible server.")
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    rows: dict[str, list[float]] = {}
    with coblyn(arguments.model, arguments.streams) as ours:
        servers = {"coblyn": ours} | ({"other": arguments.other} if arguments.other else {})
        for url in servers.values():
            ask(url, 1, 8)
        for _ in range(arguments.rounds):
            rows.setdefault("bare", []).append(bare_loop(arguments.model, arguments.tokens))
            for name, url in servers.items():
                for streams in (1, arguments.streams):
                    speed = ask(url, streams, arguments.tokens)
                    rows.setdefault(f"{name} {streams}", []).append(speed.decode)
                    rows.setdefault(f"{name} {streams} first", []).append(speed.first)
    figures = {name: statistics.median(values) for name, values in rows.items()}
    figures |= dict(ratios(rows, arguments.streams))
    for name, value in figures.items():
        print(f"{name:32}{value:10.3f}")
    print(json.dumps(figures | {"model": arguments.model, "rounds": arguments.rounds}))


def ratios(rows: dict[str, list[float]], streams: int) -> Iterator[tuple[str, float]]:
    """Medians of the ratios of what ran in the same round."""
    pairs = {"http / bare, 1 stream": ("coblyn 1", "bare")}
    if "other 1" in rows:
        pairs |= {
            "coblyn / other, 1 stream": ("coblyn 1", "other 1"),
            f"coblyn / other, {streams} streams": (f"coblyn {streams}", f"other {streams}"),
        }
    for name, (above, below) in pairs.items():
        yield name, statistics.median(a / b for a, b in zip(rows[above], rows[below], strict=True))


if __name__ == "__main__":
    main()
