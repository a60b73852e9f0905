"""A tool server that misbehaves as its argument says."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import tool_program


def answer(kind: str, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """As the other program, but for tools and results of its kind."""
    if method == "tools/call" and kind == "endless":
        endless()
    if method == "tools/call" and kind == "deaf":
        time.sleep(600)
    if method == "tools/call" and kind in ("notes", "asks"):
        while True:
            say(kind)
    if method == "tools/list" and kind == "pages":
        first = int(params.get("cursor", 0))
        page = [
            {"name": f"tool{first + i}", "inputSchema": {"type": "object"}} for i in range(2000)
        ]
        return {"tools": page, "nextCursor": str(first + 2000)}
    if method == "tools/call" and kind == "huge":
        return {"content": [{"type": "text", "text": "x" * 100_000_000}]}
    if method == "tools/list" and kind == "many":
        tools = [{"name": f"tool{i}", "inputSchema": {"type": "object"}} for i in range(1000)]
        odd = ["tool7", "two words", 'quo"te', "<tool_call>", "", "ö", "x" * 129, "line\nend"]
        return {
            "tools": tools + [{"name": name, "inputSchema": {"type": "object"}} for name in odd]
        }
    return tool_program.result(method, params)


def say(kind: str) -> None:
    """A message that nobody asked for."""
    note = {"method": "notifications/message", "params": {"level": "info", "data": "x"}}
    ask = {"method": "ping", "id": "x" * 1000}
    message = {"jsonrpc": "2.0", **(note if kind == "notes" else ask)}
    sys.stdout.write(json.dumps(message) + "\n")


def endless() -> None:
    """Write a line that never ends."""
    while True:
        sys.stdout.write("x" * 65536)


def main() -> None:
    """Misbehave."""
    kind = sys.argv[1]
    if kind == "mute":
        time.sleep(600)
    if kind == "endless at once":
        endless()
    if kind == "parent":
        subprocess.Popen(
            [sys.executable, __file__, "mute", *sys.argv[2:]], stdout=subprocess.DEVNULL
        )
    if kind == "garbage":
        for line in ("hello", "{", '{"jsonrpc": "2.0"}', "\x00\xff", "[]", ""):
            sys.stdout.write(line + "\n")
    tool_program.answer_by(lambda method, params: answer(kind, method, params))


if __name__ == "__main__":
    main()
