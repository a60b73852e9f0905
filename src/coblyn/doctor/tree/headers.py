"""Quoted includes of sources, and function bodies in headers. Pure text.

The scan for bodies is not a C++ parser: it finds only plain definitions, and ignores everything doubtful.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.tree.files import Files

__all__ = ["HEADER_ENDINGS", "Includes", "function_bodies"]

HEADER_ENDINGS = (".h", ".hpp", ".hh", ".hxx", ".cuh")

_MAX_BYTES = 1_000_000
_MAX_FOLLOWED = 300
_MAX_HEAD = 600
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|import)[ \t]*"([^"\n]{1,200})"', re.MULTILINE)
_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*(\w+)")
_TOKEN = re.compile(r"[{};]")
_HEAD = re.compile(r"(?:[A-Za-z_][\w:]*[\s*&]+)+(?P<name>[A-Za-z_]\w*)\s*")
_NOT_ALONE = frozenset(
    {
        "static",
        "inline",
        "template",
        "constexpr",
        "consteval",
        "friend",
        "typedef",
        "using",
        "struct",
    }
    | {"class", "union", "enum", "namespace", "return", "else", "do", "new", "auto", "operator"}
    | {
        "__inline",
        "__inline__",
        "__forceinline",
        "_inline",
        "if",
        "while",
        "for",
        "switch",
        "extern",
    }
)
_TRANSPARENT = re.compile(r"(?:extern\s*(?:\x01)?|namespace\s+[\w:]+)\s*$")


class Includes:
    """Follows quoted includes through a tree; reads each file once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._texts: dict[str, tuple[str, ...]] = {}

    def of(self, source: str, folders: tuple[str, ...]) -> Iterator[str]:
        """Headers of the tree that a source includes, directly or indirectly."""
        seen = {source}
        waiting = [source]
        while waiting and len(seen) < _MAX_FOLLOWED:
            name = waiting.pop()
            for header in self.direct(name, folders):
                if header not in seen:
                    seen.add(header)
                    waiting.append(header)
                    yield header

    def direct(self, name: str, folders: tuple[str, ...]) -> Iterator[str]:
        """Headers of the tree that a file includes directly."""
        if name not in self._texts:
            text = read_text(self._files.path(name), _MAX_BYTES)
            self._texts[name] = tuple(dict.fromkeys(_INCLUDE.findall(text)))
        for written in self._texts[name]:
            for folder in (posixpath.dirname(name), *folders):
                found = self._files.name(posixpath.join(folder, written))
                if found in self._files.entries:
                    yield found
                    break


def function_bodies(text: str) -> Iterator[tuple[str, int]]:
    """Name and line of functions that a header defines in every source that includes it."""
    plain, doubtful = _plain(text)
    depth, transparent, start = 0, 0, 0
    for token in _TOKEN.finditer(plain):
        letter = token.group()
        if depth == transparent:
            before = plain[start : token.start()]
            if letter == "{" and _TRANSPARENT.search(before):
                transparent += 1
            elif letter == "{" and (found := _definition(before)):
                line = plain.count("\n", 0, start + found[1]) + 1
                if line not in doubtful:
                    yield found[0], line
            start = token.end()
        depth += {"{": 1, "}": -1, ";": 0}[letter]
        transparent = min(transparent, depth)
        if depth < 0:
            return
        if depth == transparent:
            start = token.end()


def _definition(before: str) -> tuple[str, int] | None:
    """Name of a function and its position in a head, unless it is local or inline, or not a plain function."""
    head = before.strip()
    opening = head.rfind("(")
    if not head.endswith(")") or opening < 0 or len(head) > _MAX_HEAD:
        return None
    found = _HEAD.fullmatch(head, 0, opening)
    if found is None or ")" in head[opening:-1]:
        return None
    words = re.findall(r"\w+", head[: found.end("name")])
    capitals = any(word.isupper() and len(word) > 1 for word in words)
    if capitals or _NOT_ALONE & set(words):
        return None
    return found["name"], len(before) - len(before.lstrip()) + found.start("name")


def _plain(text: str) -> tuple[str, frozenset[int]]:
    """Text without comments, strings and directives, and the lines whose functions may not be plain.

    These are lines that only some compilations see, and lines with attributes such as ``weak``.
    """
    text = _NOISE.sub(_blank, text).replace("\\\n", " \n")
    lines, doubtful = [], set()
    depth, guard, continued = 0, -1, False
    for number, line in enumerate(text.split("\n"), 1):
        found = _DIRECTIVE.match(line)
        if found:
            word = found[1]
            if word in ("if", "ifdef", "ifndef"):
                depth += 1
                if word == "ifndef" and guard < 0:
                    guard = depth
            elif word == "endif":
                depth -= 1
            continued = line.endswith(" ") and word == "define"
            lines.append("")
            continue
        if depth > max(guard, 0) or "__attribute__" in line or "__declspec" in line:
            doubtful.add(number)
        lines.append("" if continued else line)
        continued = continued and line.endswith(" ")
    return "\n".join(lines), frozenset(doubtful)


def _blank(found: re.Match[str]) -> str:
    inner = found.group()
    return "\x01" if inner[0] in "\"'" else " " + "\n" * inner.count("\n")
