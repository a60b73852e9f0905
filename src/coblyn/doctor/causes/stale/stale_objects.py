"""Objects that make takes for new, although a header that they were compiled with has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._stale import stale_by_log
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import clear, listed, shown
from coblyn.doctor.finding import Confidence, Evidence, Fix, Severity
from coblyn.doctor.tree.headers import Includes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding
    from coblyn.doctor.tree.make.database import MakeDatabase
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.trace.link import Compiled

__all__ = ["CAUSE"]

_MAX_OBJECTS = 2000
_EVIDENCE = 4


def _diagnose(case: Case) -> Finding | None:
    tree = case.tree
    stale = list(_stale(tree)) if tree else []
    if tree is None or not stale:
        return stale_by_log(CAUSE, case.log) if case.log else None
    objects = [name for name, _ in stale]
    headers = list(dict.fromkeys(header for _, header in stale))
    failed = case.log is not None and case.log.failed
    return CAUSE.finding(
        *(
            Evidence(shown(name), 0, f"is older than {shown(header)}, which it was compiled with")
            for name, header in stale[:_EVIDENCE]
        ),
        story=(
            (
                f"{listed(objects)} {'are' if len(objects) > 1 else 'is'} older than {listed(headers)}, and no rule "
                "says that they depend on that, so make keeps what it has."
            ),
            (
                "The link then joins objects of two versions: symbols that no longer exist, or, worse, "
                "structures that one half lays out differently from the other."
            ),
        ),
        fix=Fix(
            command="make clean",
            text="Compile them again: make clean, or clear just these objects; then build.",
            steps=clear(tree, objects, f"is older than {listed(headers, 1)}"),
        ),
        confidence=Confidence.MEDIUM,
        severity=Severity.FAILURE if failed else Severity.RISK,
    )


def _stale(tree: Tree) -> Iterator[tuple[str, str]]:
    """Objects and the newest header each is older than."""
    includes = Includes(tree.files)
    for database in tree.makes:
        known = _known(tree, database)
        compiled = {
            each.object: each
            for link in tree.links
            if link.rule in database.rules
            for each in link.objects
        }
        for each in list(compiled.values())[:_MAX_OBJECTS]:
            if header := _newer_header(tree, known, each, includes):
                yield each.object, header


def _newer_header(
    tree: Tree, known: Mapping[str, set[str]], each: Compiled, includes: Includes
) -> str:
    made, source = tree.files.entry(each.object), tree.files.entry(each.source)
    if made is None or source is None or tree.git.says(each.object) == "tracked":
        return ""
    named = known.get(each.object, set())
    # What make knows to be newer, it compiles again by itself.
    if made.mtime < max(source.mtime, tree.files.newest(iter(named))[1]):
        return ""
    headers = (
        name
        for name in includes.of(each.source, each.include)
        # A header that the build itself makes is new each time.
        if name not in named and name not in known
    )
    name, when = tree.files.newest(headers)
    return name if when > made.mtime else ""


def _known(tree: Tree, database: MakeDatabase) -> dict[str, set[str]]:
    """What make knows each target to depend on."""
    known: dict[str, set[str]] = {}
    for target, rules in database.rules.items():
        names = (name for rule in rules for name in rule.prerequisites)
        known.setdefault(tree.name(database, target), set()).update(
            tree.name(database, name) for name in names
        )
    for target, given in database.implicit.items():
        known.setdefault(tree.name(database, target), set()).update(
            tree.name(database, name) for name in given
        )
    return known


CAUSE: Cause = described(__name__, _diagnose)
