"""A source tree as the causes see it, and the function that reads it."""

from __future__ import annotations

import datetime as dt
import os
import posixpath
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from coblyn.doctor.tree.builds import links_of_build
from coblyn.doctor.tree.checkout import empty_submodules, windows_scripts
from coblyn.doctor.tree.cmake import (
    Cache,
    Script,
    configure_error,
    read_caches,
    read_scripts,
)
from coblyn.doctor.tree.configured import (
    Outdated,
    Toolchain,
    outdated_objects,
    read_toolchain,
)
from coblyn.doctor.tree.environment import missing_paths
from coblyn.doctor.tree.files import Files, list_files, printable, read_bytes
from coblyn.doctor.tree.git import Git, read_git
from coblyn.doctor.tree.make.brought import Brought, brought
from coblyn.doctor.tree.make.evaluate import evaluate_makefile
from coblyn.doctor.tree.make.links import links_of
from coblyn.doctor.tree.make.reader import MAKEFILE_NAMES, read_makefile
from coblyn.doctor.tree.make.value import Budget
from coblyn.doctor.tree.objects import HEAD, ObjectKind, object_kind
from coblyn.doctor.tree.recorded import Record, read_record
from coblyn.errors import ProgramFailed
from coblyn.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from coblyn.doctor.tree.make.database import MakeDatabase
    from coblyn.native.trace.link import Link
    from coblyn.progress import Report

__all__ = ["Tree", "read_tree"]

_MAX_OBJECTS = 4_000
_MAX_RECORDS = 1_500
_MAX_MAKES = 20
_MAX_SCRIPT = 1_000_000
_SUBDIRECTORY = re.compile(
    r"(?:\bcd\s+(?P<cd>[\w./$-]+)\s*(?:&&|;)[^;&|]*\bmake\b"
    r"|\bmake\b[^;&|]*?\s(?:-C\s*|--directory[= ])(?P<c>[\w./$-]+))"
)
_LOOP = re.compile(r"\bfor (?P<name>\w+) in (?P<words>[^;]*);")


@dataclass(frozen=True, slots=True)
class Tree:
    """The contents of a source tree that determine its build.

    Attributes:
        files: Its files.
        makes: Its makefiles: the root's first, then those that its recipes call.
        brought: Second objects of one source that are in a link only because a makefile is included.
        links: Every link in makefiles and CMake's build directories.
        caches: CMake's caches.
        script: Names mentioned in the CMake files; empty if there is no cache.
        configure_errors: Last error in CMake's log of its checks, by cache, where configuring failed.
        git: Git's status of makefiles and caches.
        kinds: Format and processor of object files.
        records: What linked objects record about their compilation, if anything.
        outdated: Objects built before the current configuration of their build directory.
        toolchains: What CMake recorded about machine and compilers, by cache.
        missing: Environment variables that name a program or directory that does not exist.
        empty_submodules: Submodules that were not fetched.
        named_submodules: Those of them that a CMake file or makefile adds to the build.
        windows_scripts: Scripts with Windows line endings.
        today: The date of the read, as "2024-06-18".
        notes: What could not be read.
    """

    files: Files
    makes: tuple[MakeDatabase, ...] = ()
    brought: tuple[Brought, ...] = ()
    links: tuple[Link, ...] = ()
    caches: tuple[Cache, ...] = ()
    script: Script = field(default_factory=Script)
    configure_errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    git: Git = field(default_factory=Git)
    kinds: Mapping[str, ObjectKind] = field(default_factory=lambda: MappingProxyType({}))
    records: Mapping[str, Record] = field(default_factory=lambda: MappingProxyType({}))
    outdated: tuple[Outdated, ...] = ()
    toolchains: Mapping[str, Toolchain] = field(default_factory=lambda: MappingProxyType({}))
    missing: tuple[str, ...] = ()
    empty_submodules: tuple[str, ...] = ()
    named_submodules: tuple[str, ...] = ()
    windows_scripts: tuple[str, ...] = ()
    today: str = ""
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """Absolute path of the tree."""
        return self.files.root

    def name(self, database: MakeDatabase, path: str) -> str:
        """A path of a makefile as a name in the tree."""
        folder = posixpath.dirname(database.makefile)
        return self.files.name(posixpath.join(folder, path))


def read_tree(
    root: Path,
    *,
    evaluate_make: bool = False,
    environ: Mapping[str, str],
    report: Report = silent,
) -> Tree:
    """Read a source tree.

    Args:
        root: Its directory, or a build directory of CMake.
        evaluate_make: Also run make, which runs what the makefiles run while they are read (see `make.evaluate`).
        environ: Environment of the build.
        report: Gets the progress.

    Raises:
        NotFound: There is no such directory.
    """
    files = list_files(root, report)
    notes = list(files.notes)
    report(Progress("Reading makefiles", 0, None))
    makes = _read_makes(files, environ, notes, evaluate=evaluate_make)
    report(Progress("Reading build directories", 0, None))
    caches = read_caches(files)
    links = [link for database in makes for link in links_of(database, files)]
    links += links_of_build(files, caches)
    names = [name for database in makes for name in database.makefiles()]
    empty = tuple(empty_submodules(files))
    return Tree(
        files,
        makes=tuple(makes),
        brought=_brought(files, makes, environ),
        links=tuple(links),
        caches=caches,
        script=read_scripts(files) if caches else Script(),
        configure_errors={
            cache.name: configure_error(cache.folder) for cache in caches if not cache.is_generated
        },
        git=read_git(files.root, [*names, *(cache.name for cache in caches)]),
        kinds=_object_kinds(files),
        records=_records(files, links),
        outdated=tuple(outdated_objects(files, caches)),
        toolchains={cache.name: read_toolchain(files, cache) for cache in caches},
        missing=missing_paths(environ),
        empty_submodules=empty,
        named_submodules=tuple(name for name in empty if _is_named(files, name)),
        windows_scripts=tuple(windows_scripts(files)),
        today=dt.datetime.now().astimezone().date().isoformat(),
        notes=(*notes, *(note for database in makes for note in database.notes)),
    )


def _is_named(files: Files, name: str) -> bool:
    """Whether the top-level build files of a tree enter a directory regardless of options.

    An indented command may depend on an option that is off, or on a check whether the directory exists.
    """
    folder = re.escape(os.fsencode(name))
    added = rb"(?mi)^add_subdirectory\s*\(\s*\"?(?:\$\{\w+\}/)?%b[\s/\")]" % folder
    entered = rb"(?m)^\t.*(?:-C|\bcd)\s*%b(?:[\s/;&]|$)" % folder
    if re.search(added, read_bytes(files.path("CMakeLists.txt"), _MAX_SCRIPT)):
        return True
    return any(
        re.search(entered, read_bytes(files.path(each), _MAX_SCRIPT)) for each in MAKEFILE_NAMES
    )


def _read_makes(
    files: Files, environ: Mapping[str, str], notes: list[str], *, evaluate: bool
) -> list[MakeDatabase]:
    first = _makefile(files, "")
    if not first:
        return []
    # Together they may cost as much as one.
    budget = Budget()
    makes = [_read_make(files, first, environ, notes, budget, evaluate=evaluate)]
    for folder in dict.fromkeys(_subdirectories(makes[0])):
        name = _makefile(files, folder)
        if name and len(makes) < _MAX_MAKES and all(name != each.makefile for each in makes):
            makes.append(_read_make(files, name, environ, notes, budget, evaluate=evaluate))
    return makes


def _brought(
    files: Files, makes: Sequence[MakeDatabase], environ: Mapping[str, str]
) -> tuple[Brought, ...]:
    budget = Budget()
    return tuple(each for database in makes for each in brought(files, database, environ, budget))


def _read_make(
    files: Files,
    name: str,
    environ: Mapping[str, str],
    notes: list[str],
    budget: Budget,
    *,
    evaluate: bool,
) -> MakeDatabase:
    if evaluate:
        try:
            return evaluate_makefile(files, name, environ=environ)
        except ProgramFailed as error:
            notes.append(printable(f"{error.message} The makefiles were read without it."))
    return read_makefile(files, name, environ=environ, budget=budget)


def _makefile(files: Files, folder: str) -> str:
    """The makefile that make would use in a directory; empty if there is none, or CMake wrote it."""
    for each in MAKEFILE_NAMES:
        name = files.name(posixpath.join(folder, each))
        # On a case-insensitive disk, two names give one file; the listing has the real name.
        if name in files.entries:
            return "" if b"CMAKE generated file" in read_bytes(files.path(name), 200) else name
    return ""


def _subdirectories(database: MakeDatabase) -> Iterator[str]:
    for lines in database.commands.values():
        for line in lines:
            loop = _LOOP.search(line[:2000])
            for found in _SUBDIRECTORY.finditer(line[:2000]):
                name = found["cd"] or found["c"]
                if loop and name == f"${loop['name']}":
                    yield from map(posixpath.normpath, loop["words"].split())
                elif "$" not in name:
                    yield posixpath.normpath(name)


def _object_kinds(files: Files) -> dict[str, ObjectKind]:
    names = [name for name in files.entries if name.endswith((".o", ".obj"))][:_MAX_OBJECTS]
    kinds = ((name, object_kind(read_bytes(files.path(name), HEAD))) for name in names)
    return {name: kind for name, kind in kinds if kind}


def _records(files: Files, links: Sequence[Link]) -> dict[str, Record]:
    linked = dict.fromkeys(each.object for link in links for each in link.objects)
    names = [name for name in linked if name in files.entries][:_MAX_RECORDS]
    found = ((name, read_record(files.path(name))) for name in names)
    return {name: record for name, record in found if record and record != Record()}
