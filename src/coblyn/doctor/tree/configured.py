"""Objects compiled before the current configuration of a build directory, and what CMake recorded about its tools.

Ninja and CMake's makefiles recompile such objects automatically in the next build.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_text
from coblyn.native.trace.ninja import changed_outputs, read_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coblyn.doctor.tree.cmake import Cache
    from coblyn.doctor.tree.files import Files

__all__ = ["Outdated", "Tool", "Toolchain", "outdated_objects", "read_toolchain"]

_MAX_BYTES = 64_000_000
_MAX_TEXT = 1_000_000
_SET = re.compile(r'^set\((CMAKE_\w{1,80}) "([^"\n]{0,4000})"\)', re.MULTILINE)
_SDK = re.compile(r"/MacOSX(\d+(?:\.\d+)*)\.sdk\b")
_LANGUAGES = ("C", "CXX", "OBJC", "OBJCXX", "CUDA", "HIP")


@dataclass(frozen=True, slots=True)
class Outdated:
    """Objects of a build directory that were compiled with commands other than its current ones.

    Attributes:
        cache: The cache of the build directory.
        place: The file with the current commands.
        objects: The objects, as names in the tree.
    """

    cache: str
    place: str
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A compiler as CMake found it.

    Attributes:
        language: "C", "CXX" and so on.
        path: Where it is.
        real: The file that the path resolves to now.
        id: "GNU", "Clang", "AppleClang", "MSVC".
        version: Such as "12.2.0".
        sdk: Version of the macOS SDK whose headers it uses by default; empty on other systems.
        place: The file that says so.
        line: Line of the version there.
    """

    language: str
    path: str
    real: str
    id: str
    version: str
    sdk: str
    place: str
    line: int


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What CMake recorded about machine and compilers when a build directory was first configured.

    Attributes:
        host_system: "Linux", "Darwin", "Windows": the machine that CMake ran on.
        host_processor: "x86_64", "aarch64", "arm64", "AMD64": likewise.
        processor: The target processor according to CMake.
        is_cross: Whether the target is another system, or a toolchain file is in use.
        place: The file that says so.
        tools: The compilers.
    """

    host_system: str = ""
    host_processor: str = ""
    processor: str = ""
    is_cross: bool = False
    place: str = ""
    tools: tuple[Tool, ...] = ()

    def tool(self, language: str) -> Tool | None:
        """The compiler of a language; None if there is none."""
        return next((each for each in self.tools if each.language == language), None)


def read_toolchain(files: Files, cache: Cache) -> Toolchain:
    """Read what CMake wrote next to a cache; missing values are empty."""
    folder = _folder(files, cache)
    if not folder:
        return Toolchain()
    place = posixpath.join(folder, "CMakeSystem.cmake")
    values = dict(_SET.findall(read_text(files.path(place), _MAX_TEXT)))
    crossing = values.get("CMAKE_CROSSCOMPILING", "").upper() in ("TRUE", "1", "ON")
    return Toolchain(
        values.get("CMAKE_HOST_SYSTEM_NAME", ""),
        values.get("CMAKE_HOST_SYSTEM_PROCESSOR", ""),
        values.get("CMAKE_SYSTEM_PROCESSOR", ""),
        crossing or bool(cache["CMAKE_TOOLCHAIN_FILE"]),
        place,
        tuple(_tools(files, folder)),
    )


def _folder(files: Files, cache: Cache) -> str:
    """Where the last CMake that configured keeps its results; each version has its own directory."""
    version = ".".join(cache[f"CMAKE_CACHE_{part}_VERSION"] for part in ("MAJOR", "MINOR", "PATCH"))
    folder = posixpath.join(posixpath.dirname(cache.name), "CMakeFiles", version)
    return folder if f"{folder}/CMakeSystem.cmake" in files.entries else ""


def _tools(files: Files, folder: str) -> Iterator[Tool]:
    for language in _LANGUAGES:
        place = posixpath.join(folder, f"CMake{language}Compiler.cmake")
        if place not in files.entries:
            continue
        text = read_text(files.path(place), _MAX_TEXT)
        values = dict(_SET.findall(text))
        path = values.get(f"CMAKE_{language}_COMPILER", "")
        version = f"CMAKE_{language}_COMPILER_VERSION"
        sdk = _SDK.search(values.get(f"CMAKE_{language}_IMPLICIT_INCLUDE_DIRECTORIES", ""))
        yield Tool(
            language,
            path,
            os.path.realpath(path) if path else "",
            values.get(f"CMAKE_{language}_COMPILER_ID", ""),
            values.get(version, ""),
            sdk[1] if sdk else "",
            place,
            text.count("\n", 0, max(text.find(f"set({version} "), 0)) + 1,
        )


def outdated_objects(files: Files, caches: Sequence[Cache]) -> Iterator[Outdated]:
    """Objects that were made before the commands of their build directory changed.

    Only certain cases: the command's hash differs in ninja's log, or CMake, which writes these files only if
    they change, wrote the flags of their target after the objects were made.
    """
    for cache in caches:
        folder = posixpath.dirname(cache.name)
        if not cache.is_in_place:
            continue
        if (build := posixpath.join(folder, "build.ninja")) in files.entries:
            found = tuple(_by_ninja(files, folder, build))
            if found:
                yield Outdated(cache.name, build, found)
        else:
            yield from _by_flags(files, cache.name, folder)


def _by_ninja(files: Files, folder: str, build: str) -> Iterator[str]:
    logged = read_log(read_text(files.root / folder / ".ninja_log", _MAX_BYTES))
    if logged is None:
        return

    def include(name: str) -> str:
        inner = files.name(posixpath.join(folder, name))
        return read_text(files.path(inner), _MAX_BYTES) if inner in files.entries else ""

    text = read_text(files.path(build), _MAX_BYTES)
    rules = files.entries.get(posixpath.join(folder, "CMakeFiles/rules.ninja"))
    written = max(files.entries[build].mtime, rules.mtime if rules else 0)
    for output in changed_outputs(text, logged, include) or ():
        name = files.name(posixpath.join(folder, output))
        made = files.entries.get(name)
        # A command can only change when the file is written again.
        if made and made.mtime < written:
            yield name


def _by_flags(files: Files, cache: str, folder: str) -> Iterator[Outdated]:
    prefix = f"{folder}/" if folder else ""
    for name, written in files.entries.items():
        if not name.endswith(".dir/flags.make") or not name.startswith(prefix):
            continue
        target = name.removesuffix("flags.make")
        found = tuple(
            each
            for each in _below(files, target.rstrip("/"))
            if each.endswith((".o", ".obj")) and files.entries[each].mtime < written.mtime
        )
        if found:
            yield Outdated(cache, name, found)


def _below(files: Files, folder: str, depth: int = 0) -> Iterator[str]:
    """Files below a directory, according to the listing."""
    for name in files.folders.get(folder, ()):
        path = f"{folder}/{name}"
        if path in files.entries:
            yield path
        elif path in files.folders and depth < 40:
            yield from _below(files, path, depth + 1)
