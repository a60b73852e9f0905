"""How long a server takes from its start until ``/health`` answers 200, beside another one, in turns.

    python bench/ready.py MODEL.gguf --turns 8
    python bench/ready.py MODEL.gguf --other "llama-server -m MODEL.gguf --port {port}"

Each turn starts the servers one after the other, and ends them when they are ready. Printed are medians and least
values of seconds and of processor seconds until then (of the server and its children, by the system's clock ticks).
``--help`` beside a bare Python is measured with ``--help-turns``. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import psutil

LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Start:
    """One start.

    Attributes:
        wall: Seconds until it was ready, or had ended.
        processor: Processor seconds of the program and its children until then.
        first: Seconds that a completion of one token took, asked for as soon as it was ready.
    """

    wall: float
    processor: float
    first: float = 0.0


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_ready(port: int) -> bool:
    """Whether ``/health`` answers 200."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as client:
        client.settimeout(5)
        client.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200")
    return False


def start(command: list[str]) -> Start:
    """Start a server, wait until it is ready, and end it.

    Raises:
        SystemExit: It ended, or was not ready in a minute.
    """
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not is_ready(port):
        if process.poll() is not None or time.perf_counter() - began > LIMIT_SECONDS:
            process.kill()
            sys.exit(f"not ready: {shlex.join(words)}")
        time.sleep(0.005)
    wall, used = time.perf_counter() - began, processor_seconds(process.pid)
    asked = time.perf_counter()
    complete(port)
    first = time.perf_counter() - asked
    process.terminate()
    process.wait(20)
    return Start(wall, used, first)


def complete(port: int) -> None:
    """Have one token written."""
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": 1})
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("POST", "/v1/completions", body, {"content-type": "application/json"})
    answer = client.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    client.close()


def processor_seconds(pid: int) -> float:
    """What a process and its children have used so far."""
    parent = psutil.Process(pid)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def run(command: list[str]) -> Start:
    """Run a command to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return Start(time.perf_counter() - began, used.ru_utime + used.ru_stime)


def measure(
    what: dict[str, list[str]], begin: Callable[[list[str]], Start], turns: int
) -> dict[str, dict[str, float]]:
    """Medians and least values of each, begun in turns."""
    found = defaultdict(list)
    for _ in range(turns):
        for name, command in what.items():
            found[name].append(begin(command))
    return {name: summary(name, starts) for name, starts in found.items()}


def summary(name: str, starts: list[Start]) -> dict[str, float]:
    """Print what was seen of one, and give it."""
    walls = [each.wall for each in starts]
    busy = [each.processor for each in starts]
    figures = {
        "median": statistics.median(walls),
        "least": min(walls),
        "processor_median": statistics.median(busy),
        "processor_least": min(busy),
        "first_median": statistics.median(each.first for each in starts),
    }
    print(
        f"{name:>12}: {figures['median']:.3f} s (least {figures['least']:.3f}), processor "
        f"{figures['processor_median']:.3f} s (least {figures['processor_least']:.3f}), "
        f"first answer {figures['first_median']:.3f} s",
        flush=True,
    )
    return {key: round(value, 4) for key, value in figures.items()}


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--other", default="", help="command of another server, with {port}")
    parser.add_argument("--python", default=sys.executable, help="interpreter with Coblyn in it")
    parser.add_argument("--before", default="", help="interpreter with an earlier Coblyn in it")
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--help-turns", type=int, default=0)
    options = parser.parse_args()
    serve = ["-m", "coblyn", "serve", options.model, "--port", "{port}"]
    servers = {"coblyn": [options.python, *serve]}
    if options.before:
        servers["before"] = [options.before, *serve]
    if options.other:
        servers["other"] = shlex.split(options.other)
    figures = measure(servers, start, options.turns)
    if options.help_turns:
        shown = {
            "python": [options.python, "-c", "pass"],
            "--help": [options.python, "-m", "coblyn", "--help"],
        }
        figures |= measure(shown, run, options.help_turns)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
