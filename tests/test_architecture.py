"""The rooms import one way, and what touches the outside world lives in the few files that may."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import coblyn

ROOT = Path(coblyn.__file__).parent

# Each room, and the rooms that it may import. What stands higher may use what stands lower, never the other way.
VOCABULARY = {"errors", "progress", "paths", "files", "crash"}
MAY_IMPORT = {
    "errors": set(),
    "progress": set(),
    "files": {"errors"},
    "paths": set(),
    "crash": set(),
    "keys": VOCABULARY,
    "daemon": VOCABULARY,
    "connect": VOCABULARY,
    "mcp": VOCABULARY | {"run", "doctor"},
    "settings": VOCABULARY | {"keys"},
    "run": VOCABULARY,
    "fetch": VOCABULARY | {"run"},
    "native": VOCABULARY | {"run", "fetch"},
    "doctor": VOCABULARY | {"run", "native"},
    "models": VOCABULARY | {"fetch"},
    "pack": VOCABULARY | {"run", "fetch", "native", "models"},
    "llama": VOCABULARY,
    "tuning": VOCABULARY | {"llama"},
    "engine": VOCABULARY | {"settings", "llama", "run", "tuning", "constraints", "models"},
    "proof": VOCABULARY | {"run", "llama", "engine", "native"},
    "workshop": VOCABULARY | {"run", "fetch", "models", "llama", "engine"},
    "fit": VOCABULARY | {"settings", "run", "llama", "engine", "models"},
    "checkup": VOCABULARY | {"chat", "models"},
    "children": VOCABULARY,
    "media": VOCABULARY | {"children"},
    "chat": VOCABULARY | {"children", "constraints"},
    "constraints": VOCABULARY,
    "story": VOCABULARY,
    "web_search": VOCABULARY,
    "service": VOCABULARY
    | {"keys", "engine", "chat", "constraints", "mcp", "media", "models", "story", "web_search"},
    "api": VOCABULARY
    | {
        "keys",
        "engine",
        "proof",
        "chat",
        "constraints",
        "checkup",
        "doctor",
        "mcp",
        "models",
        "service",
        "story",
        "web_search",
    },
    "library": VOCABULARY
    | {"settings", "engine", "fit", "chat", "service", "models", "native", "proof"},
    "cli": VOCABULARY
    | {
        "keys",
        "daemon",
        "checkup",
        "connect",
        "mcp",
        "settings",
        "engine",
        "service",
        "chat",
        "api",
        "library",
        "models",
        "native",
        "doctor",
        "pack",
        "proof",
        "fetch",
        "fit",
        "run",
        "workshop",
    },
}

FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    parts = list(path.relative_to(ROOT.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, at its top or inside a function."""
    return frozenset(modules_of(ast.walk(ast.parse(path.read_text(encoding="utf-8")))))


def top_level_imports(path: Path) -> frozenset[str]:
    return frozenset(modules_of(ast.parse(path.read_text(encoding="utf-8")).body))


def modules_of(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules that statements import, and the names that they take from them."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_one_way(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("coblyn.")}
    wrong = ours - MAY_IMPORT[room] - {room, "__version__"}
    assert not wrong, f"{room} must not import {sorted(wrong)}"


def test_a_proof_knows_of_building_only_what_a_fault_is() -> None:
    names = {name for path in FILES if room_of(path) == "proof" for name in imported(path)}
    known = {name for name in names if name.startswith("coblyn.native")}
    assert all(name.startswith("coblyn.native.fault") for name in known), known


def test_there_is_no_cycle() -> None:
    modules = {module_of(path): path for path in FILES}
    graph = {
        name: {other for other in top_level_imports(path) if other in modules and other != name}
        for name, path in modules.items()
    }
    # The package's own __init__ names its public things for type checkers only.
    graph["coblyn"] = set()
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


ALLOWED = {
    "ctypes": lambda path: room_of(path) == "llama",
    "subprocess": lambda path: room_of(path) == "run" or path.name in ("client.py", "process.py"),
}


@pytest.mark.parametrize("module", ALLOWED)
def test_the_outside_world_is_touched_in_few_places(module: str) -> None:
    users = [path for path in FILES if any(name.split(".")[0] == module for name in imported(path))]
    assert users
    assert not [path for path in users if not ALLOWED[module](path)]


@pytest.mark.parametrize("script", ["gen_options", "gen_stages"])
def test_generated_files_are_those_of_their_tables(script: str) -> None:
    path = ROOT.parents[1] / "scripts" / f"{script}.py"
    done = subprocess.run([sys.executable, path, "--check"], check=False)
    assert done.returncode == 0


def test_only_the_command_line_prints() -> None:
    for path in FILES:
        if room_of(path) == "cli":
            continue
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ]
        assert not calls, path


def test_files_and_functions_stay_small() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if path.name == "bindings.py":  # generated
            continue
        assert text.count("\n") <= 500, f"{path} is more than one noun"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # Verbs of the command line declare an option a line.
                first = node.body[0].lineno if room_of(path) == "cli" else node.lineno
                assert (node.end_lineno or 0) - first < 60, f"{path}: {node.name} is too long"
