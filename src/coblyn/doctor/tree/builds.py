"""Links recorded in CMake's build directories: ninja's graph, link commands and compile commands."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_bytes, read_text
from coblyn.native.trace.link import (
    Compiled,
    Link,
    given_options,
    is_object,
    read_compile_commands,
    read_link_text,
    read_ninja,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coblyn.doctor.tree.cmake import Cache
    from coblyn.doctor.tree.files import Files

__all__ = ["links_of_build"]

_MAX_BYTES = 64_000_000
_MAX_LINK_TEXTS = 3_000
_MAX_LINK_BYTES = 1_000_000
_FLAGS = re.compile(r"^([A-Z]+)_(?:DEFINES|FLAGS) = (.*)$", re.MULTILINE)
_LANGUAGES = {
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".C"), "CXX"),
    ".c": "C",
    ".m": "OBJC",
    ".mm": "OBJCXX",
    ".cu": "CUDA",
    ".S": "ASM",
}


def links_of_build(files: Files, caches: Sequence[Cache]) -> Iterator[Link]:
    """Links of the build directories of a tree, which are found by their caches."""
    for cache in caches:
        folder = posixpath.dirname(cache.name)
        if posixpath.join(folder, "build.ninja") in files.entries:
            yield from _ninja_links(files, folder)
        else:
            yield from _makefile_links(files, folder, cache["CMAKE_HOME_DIRECTORY"])


def _ninja_links(files: Files, folder: str) -> Iterator[Link]:
    text = read_text(files.root / folder / "build.ninja", _MAX_BYTES)

    def name(path: str) -> str:
        return files.name(posixpath.join(folder, path))

    for link in read_ninja(text):
        yield replace(
            link,
            target=name(link.target),
            objects=tuple(
                replace(each, object=name(each.object), source=each.source and name(each.source))
                for each in link.objects
            ),
            place=posixpath.join(folder, link.place),
        )


def _makefile_links(files: Files, folder: str, home: str) -> Iterator[Link]:
    compiled = _compiled(files, folder)
    prefix = f"{folder}/" if folder else ""
    texts = [
        name
        for name in files.entries
        if name.endswith("/link.txt") and name.startswith(prefix) and "CMakeFiles/" in name
    ]
    for name in texts[:_MAX_LINK_TEXTS]:
        # Commands run in the directory that holds CMakeFiles/target.dir/link.txt.
        here = posixpath.dirname(name.rpartition("CMakeFiles/")[0])
        sources = posixpath.join(home, posixpath.relpath(here or ".", folder or "."))
        flags = _flags(files, posixpath.join(posixpath.dirname(name), "flags.make"))
        for output, words, is_archive in read_link_text(
            read_text(files.path(name), _MAX_LINK_BYTES)
        ):
            found = [
                compiled.get(each) or _made(each, _source(files, word, sources), flags, name)
                for word in dict.fromkeys(filter(is_object, words))
                for each in [files.name(posixpath.join(here, word))]
            ]
            target = files.name(posixpath.join(here, output))
            yield Link(target, tuple(found), words, is_archive, name)


def _source(files: Files, name: str, folder: str) -> str:
    """Source of an object, from its name: ``CMakeFiles/target.dir/sub/x.c.o`` is from ``sub/x.c``."""
    inner = name.partition(".dir/")[2].rpartition(".")[0].replace("__/", "../")
    found = files.name(posixpath.join(folder, inner)) if inner else ""
    return found if files.entry(found) else ""


def _flags(files: Files, name: str) -> Mapping[str, tuple[str, ...]]:
    """Options of a target by language, such as "CXX", from the file where CMake's makefiles keep them."""
    found: dict[str, tuple[str, ...]] = {}
    text = read_text(files.path(name), _MAX_LINK_BYTES)
    for language, words in _FLAGS.findall(text):
        found[language] = (*found.get(language, ()), *words.split())
    # Options of single sources are only in comments there, since the rules contain them.
    return {} if "\n# Custom " in text else found


def _made(name: str, source: str, flags: Mapping[str, tuple[str, ...]], place: str) -> Compiled:
    words = flags.get(_LANGUAGES.get(posixpath.splitext(source)[1], ""), ())
    every = words or [word for of in flags.values() for word in of]
    macros = tuple(sorted({word[1:] for word in every if word.startswith(("-D", "-U"))}))
    return Compiled(name, source, macros, place, given=given_options(words))


def _compiled(files: Files, folder: str) -> Mapping[str, Compiled]:
    name = posixpath.join(folder, "compile_commands.json")
    found = {}
    if name in files.entries:
        data = read_bytes(files.path(name), _MAX_BYTES)
        for here, each in read_compile_commands(data):
            made = files.name(posixpath.join(here, each.object))
            origin = files.name(posixpath.join(here, each.source))
            found[made] = replace(each, object=made, source=origin, place=name)
    return found
