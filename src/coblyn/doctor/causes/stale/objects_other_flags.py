"""Objects in one link that were compiled with other options than the rest, or than the build uses now."""

from __future__ import annotations

import shlex
from itertools import groupby
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._objects import compile_again, major, recorded
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import at, listed, shown
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity
from coblyn.doctor.tree.options import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coblyn.doctor.cause import Case
    from coblyn.doctor.tree.recorded import Record
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.trace.link import Compiled, Link

__all__ = ["CAUSE"]

_SHOWN = 3
_Told = tuple["Compiled", "Record"]


def _diagnose(case: Case) -> Finding | None:
    tree = case.tree
    if tree is None:
        return None
    for link in tree.links:
        for alike in _alike(tree, link):
            if found := _mixed(case, tree, link, alike):
                return found
    return _outdated(tree)


def _alike(tree: Tree, link: Link) -> Iterator[Sequence[_Told]]:
    """Objects of a link that should come from the same compiler, with the same options."""
    outdated = {name for each in tree.outdated for name in each.objects}
    told = [
        ((language, each.given, major(record.compiler), record.has_macros), (each, record))
        for each, record, language in recorded(tree, link)
        # Objects that are recompiled automatically do no harm.
        if each.given and record.options and each.object not in outdated
    ]
    told.sort(key=lambda entry: entry[0])
    for _, group in groupby(told, key=lambda entry: entry[0]):
        yield [each for _, each in group]


def _mixed(case: Case, tree: Tree, link: Link, alike: Sequence[_Told]) -> Finding | None:
    first, record = alike[0]
    others = [(each, found) for each, other in alike[1:] if (found := _between(record, other))]
    if not others:
        return None
    other, found = others[0]
    names = [each.object for each, _ in alike]
    failed = case.log is not None and case.log.failed
    has = {name: [word for word in found if _has(told, word)] for name, told in (
        (first.object, record),
        (other.object, tree.records[other.object]),
    )}  # fmt: skip
    return CAUSE.finding(
        *(Evidence(shown(name), 0, f"was compiled {_with(words)}") for name, words in has.items()),
        *([at(first.place, "is the rule of both")] if first.place else []),
        story=(
            (
                f"{shown(first.object)} and {shown(other.object)}, which {shown(link.target)} is linked from, were "
                f"compiled with different options ({listed(found)}), although the build gives them the same."
            ),
            "They are newer than their sources, so the next build keeps them as they are.",
            CAUSE.explanation,
        ),
        fix=compile_again(tree, names, "was not compiled with the options of the rest"),
        confidence=Confidence.MEDIUM,
        severity=Severity.FAILURE if failed and not link.is_archive else Severity.RISK,
    )


def _between(one: Record, other: Record) -> tuple[str, ...]:
    return differences(one.options, other.options, with_macros=one.has_macros)


def _has(record: Record, word: str) -> bool:
    return not differences(record.options, (*record.options, word), with_macros=record.has_macros)


def _with(words: Sequence[str]) -> str:
    return f"with {listed(words)}" if words else "without these options"


def _outdated(tree: Tree) -> Finding | None:
    """A build directory that was reconfigured and not built since: its next build fixes it."""
    if not tree.outdated:
        return None
    found = tree.outdated[0]
    names = [name for each in tree.outdated for name in each.objects]
    return CAUSE.finding(
        *(Evidence(shown(name), 0, "was compiled before that") for name in names[:_SHOWN]),
        Evidence(shown(found.place), 0, "has other commands since then"),
        story=(
            (
                f"{len(names)} object{'s' if len(names) > 1 else ''} ({listed(names)}) "
                f"{'were' if len(names) > 1 else 'was'} compiled with other commands than {shown(found.place)} has "
                "now: the build directory was configured again and not built since."
            ),
            "Programs and libraries in it do not have the new options yet. The next build compiles them again.",
        ),
        fix=Fix(
            command=f"cmake --build {shlex.quote(shown(found.cache.rpartition('/')[0] or '.'))}",
            text="Build again; nothing has to be cleared.",
        ),
        severity=Severity.NOTE,
    )


CAUSE: Cause = described(__name__, _diagnose)
