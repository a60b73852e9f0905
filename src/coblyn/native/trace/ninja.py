"""Finds outputs that ninja made with a different command than it would use now: from its log and its build file.

Formats: https://ninja-build.org/manual.html; the log and its hashes: ``src/build_log.cc`` of ninja. Version 5 (ninja
1.2 to 1.11) has MurmurHash64A of the command, version 7 (from 1.13) rapidhash. Others are unknown.
"""

from __future__ import annotations

import posixpath
import re
import struct
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

__all__ = [
    "Logged",
    "build_words",
    "changed_outputs",
    "commands",
    "hash_of",
    "read_log",
    "settings",
    "statements",
]

_MASK = 2**64 - 1
_MAX_DEPTH = 20
_MAX_COMMAND = 100_000
_JOINED = re.compile(r"(?<!\$)((?:\$\$)*)\$\n *")
_HEAD = re.compile(r"# ninja log v(\d+)\n")
_ENTRY = re.compile(
    r"^\d+\t\d+\t\d+\t(?P<output>[^\t\n]+)\t(?P<hash>[0-9a-f]{1,16})$", re.MULTILINE
)
_REFERENCE = re.compile(r"\$(?:([$ :])|\{([\w.-]+)\}|([\w-]+))")
_SETTING = re.compile(r" *([\w.-]+) *= *(.*)$", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9_+./-]")
_OBJECTS = (".o", ".obj")


@dataclass(frozen=True, slots=True)
class Logged:
    """Contents of a log.

    Attributes:
        version: Version of its format.
        hashes: Hash of the command that made each output, as the build file names it.
    """

    version: int
    hashes: Mapping[str, int]


def read_log(text: str) -> Logged | None:
    """Read a ``.ninja_log``; None if it is not one. If an output was made more than once, the last entry counts."""
    head = _HEAD.match(text)
    if head is None:
        return None
    hashes = {found["output"]: int(found["hash"], 16) for found in _ENTRY.finditer(text)}
    return Logged(int(head[1]), hashes)


def hash_of(version: int) -> Callable[[bytes], int] | None:
    """The function with which a version of the log hashes commands; None if unknown."""
    return {5: murmur, 7: rapid}.get(version)


def changed_outputs(
    build: str, logged: Logged, include: Callable[[str], str], most: int = 3000
) -> tuple[str, ...] | None:
    """Objects that were made with a different command than the build file now has; None if that cannot be known.

    Args:
        build: Text of ``build.ninja``.
        logged: Its log.
        include: Returns the text of a file that the build file includes.
        most: Maximum number of objects examined.
    """
    function = hash_of(logged.version)
    if function is None:
        return None
    changed = []
    for number, (output, command) in enumerate(commands(build, include, logged.hashes.keys())):
        if number >= most:
            break
        data = command.encode("utf-8", "surrogateescape")
        if function(data) != logged.hashes[output]:
            changed.append(output)
    return tuple(changed)


@dataclass(slots=True)
class _Scope:
    """Variables and rules of a file; those of rules are expanded again for each edge."""

    variables: dict[str, str] = field(default_factory=dict)
    rules: dict[str, dict[str, str]] = field(default_factory=dict)


def commands(
    build: str, include: Callable[[str], str], wanted: Container[str]
) -> Iterator[tuple[str, str]]:
    """First output and command (with the content of its response file) of edges that make an object.

    Args:
        build: Text of the build file.
        include: Returns the text of a file that it includes.
        wanted: Container of the requested outputs.
    """
    yield from _file(build, include, wanted, _Scope(), 0)


def _file(
    text: str, include: Callable[[str], str], wanted: Container[str], scope: _Scope, depth: int
) -> Iterator[tuple[str, str]]:
    for head, inner in statements(text):
        word, _, rest = head.partition(" ")
        if word == "build":
            if edge := _edge(rest, inner, wanted, scope):
                yield edge
        elif word == "rule":
            scope.rules[rest.strip()] = dict(settings(inner))
        elif word == "include" and depth < _MAX_DEPTH:
            name = _expanded(rest.strip(), scope.variables.get)
            yield from _file(include(name), include, wanted, scope, depth + 1)
        elif word not in ("pool", "default", "subninja") and (found := _SETTING.match(head)):
            scope.variables[found[1]] = _expanded(found[2], scope.variables.get)


def statements(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each unindented line of a build file, with the indented lines below it."""
    head, inner = "", []
    for line in _JOINED.sub(r"\1", text).split("\n"):
        if line.startswith(" "):
            if line.strip() and not line.lstrip().startswith("#"):
                inner.append(line)
        elif line and line[0] != "#":
            if head:
                yield head, inner
            head, inner = line, []
    if head:
        yield head, inner


def settings(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and value (not expanded) of each line that sets a variable."""
    for line in lines:
        if found := _SETTING.match(line):
            yield found[1], found[2]


def build_words(text: str) -> tuple[list[str], str, list[str]] | None:
    """Outputs, rule and inputs of a ``build`` statement, as written; those after ``|`` are left out.

    Args:
        text: The text after ``build``.

    Returns:
        None if it is not such a statement.
    """
    # "$:" and "$ " are characters of a name; while the line is split, characters that no name contains replace them.
    safe = text.replace("$$", "\x02").replace("$:", "\x03").replace("$ ", "\x04")
    left, _, right = safe.partition(":")
    outputs, words = (
        [
            word.replace("\x02", "$$").replace("\x03", "$:").replace("\x04", "$ ")
            for word in side.partition("|")[0].split()
        ]
        for side in (left, right)
    )
    return (outputs, words[0], words[1:]) if outputs and words else None


def _edge(
    text: str, inner: list[str], wanted: Container[str], scope: _Scope
) -> tuple[str, str] | None:
    words = build_words(text)
    if words is None or words[1] not in scope.rules:
        return None
    outputs, rule, inputs = words
    own = {name: _expanded(value, scope.variables.get) for name, value in settings(inner)}

    def path(word: str) -> str:
        text = _expanded(word, lambda name: own.get(name) or scope.variables.get(name))
        return text if "\\" in text else posixpath.normpath(text)

    output = path(outputs[0])
    if not output.endswith(_OBJECTS) or output not in wanted:
        return None
    given = [_quoted(path(word)) for word in inputs]
    own["in"], own["in_newline"] = " ".join(given), "\n".join(given)
    own["out"] = " ".join(_quoted(path(word)) for word in outputs)
    return output, _command(scope.rules[rule], own, scope)


def _command(rule: Mapping[str, str], own: Mapping[str, str], scope: _Scope) -> str:
    def look(name: str, depth: int = 0) -> str:
        if name in own:
            return own[name]
        if name in rule and depth < _MAX_DEPTH:
            return _expanded(rule[name], lambda each: look(each, depth + 1))[:_MAX_COMMAND]
        return scope.variables.get(name, "")

    content = look("rspfile_content")
    return look("command") + (f";rspfile={content}" if content else "")


def _expanded(text: str, look: Callable[[str], str | None]) -> str:
    if "$" not in text:
        return text
    return _REFERENCE.sub(lambda found: found[1] or look(found[2] or found[3]) or "", text)


def _quoted(path: str) -> str:
    """A path as ninja writes it into a command."""
    if sys.platform == "win32":
        return f'"{path}"' if " " in path else path
    if not _UNSAFE.search(path):
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def murmur(data: bytes) -> int:
    """MurmurHash64A by Austin Appleby, with ninja's seed."""
    factor, size = 0xC6A4A7935BD1E995, len(data)
    state = 0xDECAFBADDECAFBAD ^ (size * factor & _MASK)
    whole = size & ~7
    for (word,) in struct.iter_unpack("<Q", data[:whole]):
        mixed = word * factor & _MASK
        mixed = (mixed ^ mixed >> 47) * factor & _MASK
        state = (state ^ mixed) * factor & _MASK
    if rest := data[whole:]:
        state = (state ^ int.from_bytes(rest, "little")) * factor & _MASK
    state = (state ^ state >> 47) * factor & _MASK
    return state ^ state >> 47


_SECRET = (0x2D358DCCAA6C78A5, 0x8BB84B93962EACC9, 0x4B33A62ED433D4A3)


def rapid(data: bytes) -> int:
    """Hash called rapidhash (first version) by Nicolas De Carli, with its own seed."""
    first, second, _ = _SECRET
    size = len(data)
    seed = 0xBDD89AA982704029
    seed ^= _mix(seed ^ first, second) ^ size
    if size <= 16:
        left, right = _short(data)
    else:
        seed = _long(data, seed)
        left, right = struct.unpack("<QQ", data[-16:])
    product = (left ^ second) * (right ^ seed)
    return _mix((product & _MASK) ^ first ^ size, (product >> 64) ^ second)


def _short(data: bytes) -> tuple[int, int]:
    size = len(data)
    if size >= 4:
        delta = (size & 24) >> (size >> 3)
        last = size - 4
        ends = [
            int.from_bytes(data[at : at + 4], "little") for at in (0, last, delta, last - delta)
        ]
        return ends[0] << 32 | ends[1], ends[2] << 32 | ends[3]
    if size:
        return data[0] << 56 | data[size >> 1] << 32 | data[-1], 0
    return 0, 0


def _long(data: bytes, seed: int) -> int:
    first, second, third = _SECRET
    at, left = 0, len(data)
    if left > 48:
        one = two = seed
        while left >= 48:
            words = struct.unpack_from("<6Q", data, at)
            seed = _mix(words[0] ^ first, words[1] ^ seed)
            one = _mix(words[2] ^ second, words[3] ^ one)
            two = _mix(words[4] ^ third, words[5] ^ two)
            at, left = at + 48, left - 48
        seed ^= one ^ two
    if left > 16:
        words = struct.unpack_from("<QQ", data, at)
        seed = _mix(words[0] ^ third, words[1] ^ seed ^ second)
        if left > 32:
            words = struct.unpack_from("<QQ", data, at + 16)
            seed = _mix(words[0] ^ third, words[1] ^ seed)
    return seed


def _mix(one: int, other: int) -> int:
    product = one * other
    return (product & _MASK) ^ (product >> 64)
