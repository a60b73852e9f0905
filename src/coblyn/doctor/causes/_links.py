"""Facts about the link steps of a tree, used by several causes."""

from __future__ import annotations

import itertools
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from coblyn.doctor.causes._tree import at, clear, listed, shown
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity
from coblyn.doctor.tree.files import read_text
from coblyn.doctor.tree.headers import HEADER_ENDINGS, Includes, function_bodies
from coblyn.doctor.tree.objects import ObjectKind
from coblyn.native.trace.link import twins, whole_archives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Case, Cause
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.facts import Facts
    from coblyn.native.trace.link import Link, Twins

__all__ = ["function_in_header", "is_kept", "library_twice", "other_architecture", "source_twice"]

_MAX_SHOWN = 3
_MAX_SOURCES = 1500
_MAX_HEADERS = 400
_MAX_BODIES = 20
_MAX_HEADER_BYTES = 400_000
_COMPILER_SETTINGS = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "ARCHFLAGS", "CROSS_COMPILE")
_FORMATS = {"linux": "ELF", "macos": "Mach-O", "windows": "COFF"}


def source_twice(cause: Cause, case: Case) -> Finding | None:
    """Two objects of one source in one link, compiled with the same options."""
    found = list(_same(case.tree)) if case.tree else []
    if not found:
        return None
    pair = found[0]
    rest = [each.first.source for each in found if each.first.source != pair.first.source]
    more = f" The same goes for {listed(list(dict.fromkeys(rest)))}." if rest else ""
    return cause.finding(
        *(
            at(each.place or "the build files", f"{each.object} is compiled from {each.source}")
            for both in found[:_MAX_SHOWN]
            for each in (both.first, both.second)
        ),
        story=(
            (
                f"The link of {shown(pair.target)} fails: {shown(pair.first.object)} and {shown(pair.second.object)} "
                "are both in it and define the same symbols."
            ),
            f"Both come from one source, {shown(pair.first.source)}, with the same options.{more}",
            cause.explanation,
        ),
        fix=Fix(text=cause.fix),
    )


def _same(tree: Tree) -> Iterator[Twins]:
    for link in _whole_links(tree):
        for pair in twins(link):
            if pair.is_same:
                yield pair


def _whole_links(tree: Tree) -> Iterator[Link]:
    """Links, including the objects of archives that are linked whole."""
    archives = {link.target: link for link in tree.links if link.is_archive}
    for link in tree.links:
        if not link.is_archive:
            folder = _folder(tree, link)
            names = [
                tree.files.name(posixpath.join(folder, word)) for word in whole_archives(link.words)
            ]
            inner = [
                each
                for name in dict.fromkeys(names)
                if name in archives
                for each in archives[name].objects
            ]
            yield replace(link, objects=(*link.objects, *inner)) if inner else link


def _folder(tree: Tree, link: Link) -> str:
    """Directory that the paths of a link are relative to, as a name in the tree."""
    if link.rule:
        database = next((each for each in tree.makes if link.rule in each.rules), None)
        return posixpath.dirname(database.makefile) if database else ""
    if link.place.endswith("link.txt"):
        return posixpath.dirname(link.place.rpartition("CMakeFiles/")[0])
    return posixpath.dirname(link.place)


def library_twice(cause: Cause, case: Case) -> Finding | None:
    """A static library that one link includes whole, twice."""
    for link in case.tree.links if case.tree else ():
        names = [posixpath.normpath(word) for word in whole_archives(link.words)]
        same = next((name for name in names if names.count(name) > 1), "")
        alike = "" if same or not case.tree else _alike(case.tree, link, names)
        if same or alike:
            where = f"as {shown(same)}, twice" if same else f"as {alike}"
            is_forced = "force_load" in " ".join(link.words)
            return cause.finding(
                at(link.place, f"{link.target} is linked with {' '.join(names)} as a whole"),
                story=(
                    (
                        f"The link of {shown(link.target)} fails: {posixpath.basename(names[0])} is in it {where}, "
                        "each time with all of its objects."
                    ),
                    cause.explanation,
                ),
                fix=Fix(text=cause.fix),
                # Some versions of Apple's linker accept the second one; copies are compared by size only.
                confidence=Confidence.MEDIUM if alike or is_forced else Confidence.HIGH,
            )
    return None


def _alike(tree: Tree, link: Link, names: list[str]) -> str:
    """Two libraries of the same name and size that a link includes whole."""
    folder = _folder(tree, link)
    seen: dict[tuple[str, int], str] = {}
    for name in names:
        entry = tree.files.entry(tree.files.name(posixpath.join(folder, name)))
        if entry:
            first = seen.setdefault((posixpath.basename(name), entry.size), name)
            if first != name:
                return f"{shown(first)} and as {shown(name)}"
    return ""


def other_architecture(cause: Cause, case: Case) -> Finding | None:
    """Objects of one link for different processors, or all for a processor other than this machine's."""
    tree = case.tree
    if tree is None:
        return None
    wanted = _kind_of(case.machine) if case.machine else None
    for link in tree.links:
        kinds = {
            each.object: kind
            for each in link.objects
            if (kind := tree.kinds.get(each.object)) and is_kept(tree, each.object, each.source)
        }
        if len(set(kinds.values())) > 1:
            return _mixed(cause, tree, link, kinds, wanted)
        others = {name: kind for name, kind in kinds.items() if wanted and _differs(kind, wanted)}
        if wanted and others and not _is_cross(case):
            return _foreign(cause, tree, link, others, wanted)
    return None


def _kind_of(machine: Facts) -> ObjectKind | None:
    form = _FORMATS.get(machine["os"])
    arch = "arm64" if machine["rosetta"] else machine["arch"]
    return ObjectKind(form, arch) if form and arch else None


def is_kept(tree: Tree, name: str, source: str) -> bool:
    """Whether a build would keep this object: it is newer than its source, and not tracked by git."""
    made, origin = tree.files.entry(name), tree.files.entry(source) if source else None
    return bool(made and origin and made.mtime >= origin.mtime) and tree.git.says(name) != "tracked"


def _differs(kind: ObjectKind, wanted: ObjectKind) -> bool:
    # Objects of another format come from a cross compiler, intentionally.
    return kind.format == wanted.format and kind.arch != wanted.arch


def _is_cross(case: Case) -> bool:
    """Whether the build targets another processor, judging by its compiler's name or flags."""
    said = [case.environ.get(name, "") for name in _COMPILER_SETTINGS]
    for database in case.tree.makes if case.tree else ():
        found = (database.variables.get(name) for name in _COMPILER_SETTINGS)
        said += [each.value for each in found if each]
    return any(mark in " ".join(said) for mark in ("-linux-", "-target", "-arch ", "-m32"))


def _mixed(
    cause: Cause, tree: Tree, link: Link, kinds: dict[str, ObjectKind], wanted: ObjectKind | None
) -> Finding:
    right = wanted if wanted in kinds.values() else None
    wrong = [name for name, kind in kinds.items() if kind != right]
    groups = {
        kind: [name for name, each in kinds.items() if each == kind] for kind in set(kinds.values())
    }
    said = [
        f"{listed(names)} {'are' if len(names) > 1 else 'is'} {kind}"
        for kind, names in groups.items()
    ]
    return cause.finding(
        *(Evidence(shown(names[0]), 0, f"is {kind}") for kind, names in groups.items()),
        story=(
            f"The link of {shown(link.target)} fails: {'; '.join(sorted(said))}.",
            "They are newer than their sources, so the next build keeps them as they are.",
            cause.explanation,
        ),
        fix=_rebuild(tree, wrong, "is for another processor than the rest"),
    )


def _foreign(
    cause: Cause, tree: Tree, link: Link, others: dict[str, ObjectKind], wanted: ObjectKind
) -> Finding:
    names = list(others)
    kind = others[names[0]]
    return cause.finding(
        *(Evidence(shown(name), 0, f"is {kind}") for name in names[:_MAX_SHOWN]),
        story=(
            (
                f"{listed(names)}, which {shown(link.target)} is linked from, {'are' if len(names) > 1 else 'is'} "
                f"{kind}; this machine is {wanted}."
            ),
            "They are newer than their sources, so the next build keeps them as they are.",
        ),
        fix=_rebuild(tree, names, "is for another processor than this machine's"),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK,
    )


def _rebuild(tree: Tree, names: list[str], reason: str) -> Fix:
    return Fix(
        command="make clean" if tree.makes else "",
        text="Clear these objects, so that they are compiled again, all by one compiler.",
        steps=clear(tree, names, reason),
    )


def function_in_header(cause: Cause, case: Case) -> Finding | None:
    """A function defined in a header that two sources of one link include."""
    tree = case.tree
    if tree is None:
        return None
    includes = Includes(tree.files)
    seen: dict[str, list[tuple[str, int]]] = {}
    for link in [each for each in tree.links if not each.is_archive]:
        users = _users(tree, link, includes)
        for header, sources in users.items():
            if len(sources) < 2 or len(seen) > _MAX_HEADERS:
                continue
            if header not in seen:
                text = read_text(tree.files.path(header), _MAX_HEADER_BYTES)
                seen[header] = list(itertools.islice(function_bodies(text), _MAX_BODIES))
            if seen[header]:
                return _body(cause, link, header, seen[header], sources)
    return None


def _users(tree: Tree, link: Link, includes: Includes) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for each in link.objects[:_MAX_SOURCES]:
        if each.source in tree.files.entries:
            for header in includes.direct(each.source, each.include):
                if header.endswith(HEADER_ENDINGS):
                    users.setdefault(header, []).append(each.source)
    return users


def _body(
    cause: Cause, link: Link, header: str, bodies: list[tuple[str, int]], sources: list[str]
) -> Finding:
    name, line = bodies[0]
    return cause.finding(
        *(
            Evidence(shown(header), number, f"defines {each}")
            for each, number in bodies[:_MAX_SHOWN]
        ),
        *(Evidence(shown(source), 0, f"includes {shown(header)}") for source in sources[:2]),
        story=(
            (
                f"The link of {shown(link.target)} fails: {listed([each for each, _ in bodies])} of {shown(header)} "
                f"{'are' if len(bodies) > 1 else 'is'} defined in the objects of {listed(sources)}."
            ),
            f"{shown(header)}:{line} gives {name} a body without `inline`, so each of them defines it.",
            cause.explanation,
        ),
        fix=Fix(text=cause.fix),
        confidence=Confidence.MEDIUM,
    )
