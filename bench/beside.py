"""What does a running stream lose to 200 requests of ``/tokenize`` a second beside it?

One stream runs in turns alone and beside a client that sends the same small request at a steady rate (``steady.c``,
compiled here). Medians of ratios of neighbours are quoted, never times; and the processor time of one request, in the
server and in the engine, which does not depend on what else runs.

    python bench/beside.py MODEL.gguf [--rate 200] [--tokens 256] [--rounds 7]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psutil

from server import ask, coblyn

TEXT = "The old miner put down his lamp and listened. Far below, somebody was knocking."


def compiled(folder: str) -> str:
    """The client's path."""
    program = f"{folder}/steady"
    source = Path(__file__).with_name("steady.c")
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", program, str(source)], check=True)
    return program


def request() -> bytes:
    """What it sends."""
    body = json.dumps({"content": TEXT}).encode()
    head = f"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Load:
    """The client, while it runs; a context manager.

    Args:
        program: Its path.
        url: The server's address.
        rate: Requests a second.
        seconds: For how long.
    """

    def __init__(self, program: str, url: str, rate: float, seconds: float) -> None:
        port = str(urlsplit(url).port)
        self._process = subprocess.Popen(
            [program, port, str(rate), str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin
        self._process.stdin.write(request())
        self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def num_answered(self) -> int:
        """Wait for its end."""
        assert self._process.stdout
        told = self._process.stdout.read()
        if self._process.wait():
            raise SystemExit("a request of /tokenize was not answered with 200")
        return int(told)


def processor_seconds() -> dict[str, float]:
    """Processor time that the server, a child of this process, and its engine have used."""
    for server in psutil.Process().children():
        for engine in server.children():
            if "coblyn.engine.worker" in engine.cmdline():
                found = {"server": server, "engine": engine}
                return {name: sum(each.cpu_times()[:2]) for name, each in found.items()}
    raise SystemExit("no server of ours has an engine")


def costs(program: str, url: str, rate: float, seconds: float = 3.0) -> dict[str, float]:
    """Processor time of one request, in microseconds, by process, with no stream beside it."""
    before = processor_seconds()
    with Load(program, url, rate, seconds) as load:
        count = load.num_answered()
    after = processor_seconds()
    return {name: (after[name] - before[name]) / count * 1e6 for name in before}


def main() -> None:
    """Measure, print a table, and then one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    ratios = []
    with tempfile.TemporaryDirectory() as folder, coblyn(arguments.model, 4) as url:
        program = compiled(folder)
        ask(url, 1, 8)
        used = costs(program, url, arguments.rate)
        for _ in range(arguments.rounds):
            alone = ask(url, 1, arguments.tokens).decode
            with Load(program, url, arguments.rate, 600):
                beside = ask(url, 1, arguments.tokens).decode
            again = ask(url, 1, arguments.tokens).decode
            ratios.append(beside / statistics.mean((alone, again)))
            print(f"beside {ratios[-1]:.3f} of alone; alone again {again / alone:.3f}")
    for name, microseconds in used.items():
        print(f"{name:8} {microseconds:6.0f} us of processor time a request")
    found = {"beside": round(statistics.median(ratios), 4), "rate": arguments.rate}
    print(json.dumps(found | {f"{name}_us": round(each) for name, each in used.items()}))


if __name__ == "__main__":
    main()
