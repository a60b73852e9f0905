"""The inputs of one link: objects, the source of each, and archives that are taken whole.

Reads files written by CMake's generators: ``compile_commands.json``, ``build.ninja`` and ``link.txt``. The formats:
https://clang.llvm.org/docs/JSONCompilationDatabase.html, https://ninja-build.org/manual.html
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.trace.ninja import build_words, settings, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "SOURCE_ENDINGS",
    "Compiled",
    "Link",
    "Twins",
    "compilation",
    "given_options",
    "include_folders",
    "is_object",
    "linking",
    "read_compile_commands",
    "read_link_text",
    "read_ninja",
    "twins",
    "whole_archives",
]

SOURCE_ENDINGS = (
    *(".c", ".cc", ".cpp", ".cxx", ".c++", ".C", ".m", ".mm", ".cu", ".hip"),
    *(".s", ".S", ".asm", ".f", ".F", ".f90", ".F90"),
)
_OBJECT_ENDINGS = (".o", ".obj", ".lo", ".pico")
_ARCHIVE_ENDINGS = (".a", ".lib")
_SEGMENTS = re.compile(r"&&|\|\||;|\n")
# Programs that take objects but link nothing.
_NO_LINKERS = frozenset(
    {"rm", "del", "echo", "printf", "cp", "mv", "mkdir", "touch", "install", "cat", "sed", "grep"}
    | {"test", "[", "if", "for", "cd", "strip", "nm", "objcopy", "objdump", "chmod", "find"}
    | {"xargs", "ranlib", "size", "ls", "true", "false", "set", "export"}
)
_ARCHIVER = re.compile(r"(?:^|[/\\-])(?:ar|gcc-ar|llvm-ar|lib|lib\.exe|libtool|emar)(?:-\d+)?$")
_BEFORE = re.compile(r"(?:ccache|sccache|distcc)$|\w+=")
# Also words that are there only in a branch that may be taken, and those that only a program knows.
_GIVEN = ("-O", "-std=", "-f", "-m", "-D", "-U", "\ue000", "\ue001")
_ESCAPED = re.compile(r"\$([$ :])")
_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+|(.))")


@dataclass(frozen=True, slots=True)
class Compiled:
    """An object, and the source it was compiled from.

    Attributes:
        object: The object file, as a path in the tree.
        source: Its source, likewise; empty if unknown.
        options: Options that determine its symbols: macros and instruction sets, sorted.
        place: Location of its rule.
        include: Directories searched for its includes, as paths in the tree.
        given: All options that change the compiler's output, in order; empty if the command is not known.
    """

    object: str
    source: str = ""
    options: tuple[str, ...] = ()
    place: str = ""
    include: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """One link.

    Attributes:
        target: The output, as a path in the tree.
        objects: Objects named in it.
        words: The command or its inputs, in order.
        is_archive: Whether objects are only put into an archive.
        place: Location of the rule.
        rule: The make target whose recipe runs it; empty for other links.
    """

    target: str
    objects: tuple[Compiled, ...]
    words: tuple[str, ...] = ()
    is_archive: bool = False
    place: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Twins:
    """Two objects of one link that come from one source.

    Attributes:
        first: The object that comes first in the link.
        second: The other object.
        target: The output of the link.
        is_same: Whether both are compiled with the same options, so that they define the same symbols.
    """

    first: Compiled
    second: Compiled
    target: str
    is_same: bool


def is_object(word: str) -> bool:
    """Whether a word is the name of an object file."""
    return word.endswith(_OBJECT_ENDINGS) and not word.startswith("-")


def twins(link: Link) -> Iterator[Twins]:
    """Pairs of objects in a link that come from one source; the same object twice is not a pair."""
    seen: dict[str, Compiled] = {}
    for each in link.objects:
        if not each.source:
            continue
        first = seen.setdefault(each.source, each)
        if first.object != each.object:
            yield Twins(first, each, link.target, is_same=_telling(first) == _telling(each))


def _telling(compiled: Compiled) -> set[str]:
    # CMake gives each shared library its own macro, which only decides what is exported.
    return {word for word in compiled.options if not word.endswith("_EXPORTS")}


def compilation(command: str, object_name: str = "") -> Compiled | None:
    """The first compilation in a command, with names as written; None if there is none."""
    for words in _commands(command):
        if "-c" not in words and "/c" not in words:
            continue
        source = next((word for word in words[1:] if word.endswith(SOURCE_ENDINGS)), "")
        if source:
            return Compiled(
                object_name or _output(words),
                source,
                _options(words),
                include=tuple(include_folders(words)),
                given=given_options(words),
            )
    return None


def given_options(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a command that change the compiler's output; a macro and its switch are one word."""
    found = []
    left = iter(words)
    for word in left:
        if word in ("-D", "-U", "/D"):
            found.append(f"-{word[1]}{next(left, '')}")
        elif word.startswith(_GIVEN):
            found.append(word)
    return tuple(found)


def linking(command: str) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Output, words and "is an archive" of each link in a command."""
    for words in _commands(command):
        program = posixpath.basename(words[0])
        if program in _NO_LINKERS or "-c" in words or not any(map(_is_linked, words[1:])):
            continue
        is_archive = bool(_ARCHIVER.search(words[0])) and "-dynamic" not in words
        yield _output(words, is_archive=is_archive), words, is_archive


def include_folders(words: Iterable[str]) -> Iterator[str]:
    """Directories of ``-I`` and ``-iquote``, as written."""
    given = iter(words)
    for word in given:
        if word in ("-I", "-iquote", "/I"):
            yield next(given, ".")
        elif word.startswith(("-I", "/I")):
            yield word[2:]


def _is_linked(word: str) -> bool:
    return is_object(word) or (word.endswith(_ARCHIVE_ENDINGS) and not word.startswith("-l"))


def whole_archives(words: Sequence[str]) -> Iterator[str]:
    """Archives of which a link takes every object, each repeated as often as it is taken that way."""
    is_whole, kept = False, []
    parts = _linker_words(words)
    for word in parts:
        if word in ("--whole-archive", "-whole-archive"):
            is_whole = True
        elif word in ("--no-whole-archive", "-no-whole-archive"):
            is_whole = False
        elif word == "--push-state":
            kept.append(is_whole)
        elif word == "--pop-state":
            is_whole = kept.pop() if kept else False
        elif word == "-force_load":
            yield next(parts, "")
        elif word.upper().startswith("/WHOLEARCHIVE:"):
            yield word[14:]
        elif is_whole and word.endswith(_ARCHIVE_ENDINGS):
            yield word


def read_compile_commands(data: bytes) -> Iterator[tuple[str, Compiled]]:
    """Directory and compilation of each entry; empty if the text is not such a file."""
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError):
        return
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        folder, source = entry.get("directory"), entry.get("file")
        given = entry.get("arguments")
        written = given if isinstance(given, list) else str(entry.get("command", "")).split()
        words = [str(word) for word in written]
        named = entry.get("output") or _output(words)
        if isinstance(folder, str) and isinstance(source, str) and named:
            options = given_options(words)
            yield folder, Compiled(str(named), source, _options(words), given=options)


def read_link_text(text: str) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Links in a ``link.txt`` of CMake's makefile generator."""
    for line in text.splitlines():
        yield from linking(line)


def read_ninja(text: str) -> Iterator[Link]:
    """Links in a ``build.ninja``, with the source of each object as far as its edges show it."""
    compiled: dict[str, Compiled] = {}
    edges: list[tuple[str, str, list[str], Mapping[str, str]]] = []
    for rule, output, inputs, variables in _edges(text):
        first = inputs[0] if inputs else ""
        if first.endswith(SOURCE_ENDINGS) and is_object(output):
            words = variables.get("DEFINES", "").split() + variables.get("FLAGS", "").split()
            options, given = _options(words), given_options(words)
            compiled[output] = Compiled(output, first, options, "build.ninja", given=given)
        elif any(map(is_object, inputs)) or "LINK_LIBRARIES" in variables:
            edges.append((rule, output, inputs, variables))
    for rule, output, inputs, variables in edges:
        objects = tuple(compiled.get(each, Compiled(each)) for each in inputs if is_object(each))
        libraries = tuple(variables.get("LINK_LIBRARIES", "").split())
        is_archive = "STATIC_LIBRARY" in rule or output.endswith(_ARCHIVE_ENDINGS)
        yield Link(output, objects, (*inputs, *libraries), is_archive, "build.ninja")


def _edges(text: str) -> Iterator[tuple[str, str, list[str], Mapping[str, str]]]:
    """Rule, first output, explicit inputs and variables of every ``build`` statement."""
    for head, inner in statements(text):
        word, _, rest = head.partition(" ")
        words = build_words(rest) if word == "build" else None
        if words:
            outputs, rule, inputs = words
            # The values of variables are irrelevant here.
            variables = {
                name: _VARIABLE.sub(lambda found: found[1] or "", value)
                for name, value in settings(inner)
            }
            yield rule, _plain(outputs[0]), list(map(_plain, inputs)), variables


def _plain(word: str) -> str:
    """A name in a build file without its escapes."""
    return _ESCAPED.sub(r"\1", word)


def _commands(command: str) -> Iterator[tuple[str, ...]]:
    for segment in _SEGMENTS.split(command):
        words = tuple(word.strip("\"'") for word in segment.split())
        words = (words[0].lstrip("@-+"), *words[1:]) if words else ()
        if words and not words[0]:
            words = words[1:]
        # A compiler cache precedes the compiler; a setting of the environment precedes both.
        while words and _BEFORE.match(posixpath.basename(words[0])):
            words = words[1:]
        if words:
            yield words


def _options(words: Iterable[str]) -> tuple[str, ...]:
    found: set[str] = set()
    given = iter(words)
    for word in given:
        if word in ("-D", "-U", "/D"):
            found.add(word[1] + next(given, ""))
        elif word.startswith(("-D", "-U", "/D", "-m", "/arch")):
            found.add(word[1:])
    return tuple(sorted(found))


def _output(words: Sequence[str], *, is_archive: bool = False) -> str:
    for at, word in enumerate(words):
        if word in ("-o", "/out") and at + 1 < len(words):
            return words[at + 1]
        if word.lower().startswith(("/out:", "-out:", "/fo")):
            return word.partition(":")[2] or word[3:]
    if is_archive:
        return next((word for word in words[1:] if word.endswith(_ARCHIVE_ENDINGS)), "")
    return ""


def _linker_words(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("-Wl,"):
            yield from word[4:].split(",")
        elif word not in ("-Xlinker", "-Wl"):
            yield word
