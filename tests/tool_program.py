"""A tool server that starts in no time: JSON-RPC of the Model Context Protocol, line by line, by hand."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

TOOLS = [
    {
        "name": "weather",
        "description": "The weather of a city.",
        "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}},
        "annotations": {"readOnlyHint": True},
    },
    {"name": "break", "inputSchema": {"type": "object"}},
    {"name": "die", "inputSchema": {"type": "object"}},
    {"name": "sleep", "inputSchema": {"type": "object"}},
    {"name": "ramble", "inputSchema": {"type": "object"}},
    {"name": "flood", "inputSchema": {"type": "object"}},
]


def result(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """What a request is answered with; None for a method that is not known."""
    if method == "initialize":
        about = {"name": "program", "version": os.environ.get("PROGRAM_VERSION", "0")}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        if "cursor" in params:
            return {"tools": TOOLS[2:]}
        return {"tools": TOOLS[:2], "nextCursor": "2"}
    if method == "tools/call":
        return called(params["name"], params.get("arguments") or {})
    return None


def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a tool does."""
    if name == "die":
        os._exit(3)
    if name == "sleep":
        time.sleep(60)
    if name == "flood":
        for _ in range(300):
            sys.stderr.write("log " * 5000)
    if name == "break":
        return {"content": [{"type": "text", "text": "It is broken."}], "isError": True}
    if name == "ramble":
        return {"content": [{"type": "text", "text": "so " * 100}]}
    picture = {"type": "image", "data": "", "mimeType": "image/png"}
    return {"content": [{"type": "text", "text": f"Rain in {arguments.get('city')}."}, picture]}


def answer_by(answer: Callable[[str, dict[str, Any]], dict[str, Any] | None]) -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        found = answer(request["method"], request.get("params") or {})
        unknown = {"error": {"code": -32601, "message": "There is no such method."}}
        body = unknown if found is None else {"result": found}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    answer_by(result)
