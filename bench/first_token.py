"""What do a schema and tools add to the time until the first token?

A server of its own, with a real model, is asked over HTTP: without a constraint, with a new JSON schema of 50 KB, with
the same again, with 60 new tools, with the same again, and with 60 new ones of which one must be called. The requests
take turns, so that what is compared ran side by side. Prompts are cached: their template shows the names of tools,
which are always the same, and writes all their text, but does not show it. So prefill is no part of the difference, and
rendering is. ``--mark`` is what the format of calls is recognized by in a template, such as [TOOL_CALLS] of Mistral's.

    python bench/first_token.py MODEL.gguf [--rounds 20] [--mark TEXT]

Printed are medians over the rounds, in milliseconds: until the first token, what is added to the plain request of the
same round, and the processor time that server and engine took beyond it. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

TEMPLATE = """
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if tools %}{% set written = tools | tojson -%}
Tools: {% for tool in tools %}{{ tool.function.name }} {% endfor %}(call as MARK{...})
{% endif -%}
<|im_start|>assistant
"""
SCHEMA_LENGTH = 50_000
NUM_TOOLS = 60
PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request took until its first token, in milliseconds: passed, and of processors, server and engine."""

    passed: float
    processor: float


def part(name: str, count: int) -> dict[str, Any]:
    """An object as programs describe them, of about 85 bytes a property."""
    kinds: list[dict[str, Any]] = [
        {"type": "string", "description": "Free text, as the user said it."},
        {"type": "integer", "minimum": 0, "maximum": 1000},
        {"enum": ["low", "medium", "high"], "description": "How much it matters."},
        {"type": "array", "items": {"type": "string"}, "maxItems": 8},
        {"type": ["boolean", "null"], "description": "Unknown is null."},
        {"type": "string", "format": "date-time"},
    ]
    properties = {f"{name}_{index}": kinds[index % len(kinds)] for index in range(count)}
    required = list(properties)[::2]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def schema(name: str) -> dict[str, Any]:
    """A schema of 50 KB that no request had before."""
    parts: dict[str, Any] = {}
    while len(json.dumps(parts)) < SCHEMA_LENGTH:
        parts[f"part_{len(parts)}"] = part(f"{name}_{len(parts)}", 12)
    return {"type": "object", "properties": parts, "required": list(parts)[:3]}


def tools(name: str) -> list[dict[str, Any]]:
    """60 tools that no request had before, 900 bytes each."""
    return [
        {
            "type": "function",
            "function": {
                "name": f"tool_{index}",
                "description": "Does one thing, and says how it went. " * 3,
                "parameters": part(f"{name}_{index}", 8),
            },
        }
        for index in range(NUM_TOOLS)
    ]


@contextlib.contextmanager
def coblyn(model: str, mark: str) -> Iterator[tuple[str, int]]:
    """A server on a free port: its address, and its process."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template.jinja")
        template.write_text(TEMPLATE.replace("MARK", mark), "utf-8")
        command = [sys.executable, "-m", "coblyn", "serve", model, "--port", "0"]
        command += ["--chat-template", str(template)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield next(w for w in process.stdout.readline().split() if "://" in w), process.pid
            finally:
                process.terminate()
                process.wait(20)


class Client:
    """Asks a server, one request after the other, over one connection.

    Args:
        url: The server's address.
        pid: Its process, whose children count, too.
    """

    def __init__(self, url: str, pid: int) -> None:
        target = urlsplit(url)
        self._connection = http.client.HTTPConnection(target.hostname or "", target.port, 60)
        self._server = psutil.Process(pid)

    def ask(self, fields: dict[str, Any]) -> Cost:
        """Ask for a few tokens, and measure until the first one."""
        body = json.dumps(
            {
                "messages": [{"role": "user", "content": "Say what you see from the window."}],
                "max_tokens": 4,
                "stream": True,
                "temperature": 0,
                "logprobs": True,  # an event for each token, also for those that a call begins with
                **fields,
            }
        )
        before, began = self._processor_time(), time.perf_counter()
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", body, headers)
        answer = self._connection.getresponse()
        if answer.status != 200:
            sys.exit(f"The server answered {answer.status}: {answer.read(2000)!r}")
        while b'"logprobs":{' not in (line := answer.readline()).replace(b": ", b":"):
            if not line:
                sys.exit("The server sent no token.")
        passed, spent = time.perf_counter() - began, self._processor_time() - before
        answer.read()
        return Cost(1e3 * passed, 1e3 * spent)

    def _processor_time(self) -> float:
        """Seconds that the server and its children have spent."""
        processes = [self._server, *self._server.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in processes)


def requests(index: int) -> dict[str, dict[str, Any]]:
    """What is asked for in a round, by its name."""
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema(f"s{index}")}}
    some, others = tools(f"t{index}"), tools(f"r{index}")
    return {
        PLAIN: {},
        "a new schema": {"response_format": form},
        "the same schema": {"response_format": form},
        "new tools": {"tools": some},
        "the same tools": {"tools": some},
        "new tools, one required": {"tools": others, "tool_choice": "required"},
    }


def main() -> None:
    """Measure, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--mark", default="<tool_call>")
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = {}
    with coblyn(options.model, options.mark) as (url, pid):
        client = Client(url, pid)
        for index in range(options.rounds + 1):
            found = {name: client.ask(fields) for name, fields in requests(index).items()}
            if index:  # the first one creates the tokenizer for constraints, and fills caches
                for name, cost in found.items():
                    costs.setdefault(name, []).append(cost)
    figures = {name: medians(each, costs[PLAIN]) for name, each in costs.items()}
    for name, each in figures.items():
        print(f"{name:25}" + "".join(f"{key} {value:7.1f}   " for key, value in each.items()))
    print(json.dumps(figures))


def medians(costs: list[Cost], plain: list[Cost]) -> dict[str, float]:
    """The figures of one kind of request."""
    pairs = list(zip(costs, plain, strict=True))
    return {
        "first token": round(statistics.median(each.passed for each in costs), 1),
        "added": round(statistics.median(a.passed - b.passed for a, b in pairs), 1),
        "processor": round(statistics.median(a.processor - b.processor for a, b in pairs), 1),
    }


if __name__ == "__main__":
    main()
