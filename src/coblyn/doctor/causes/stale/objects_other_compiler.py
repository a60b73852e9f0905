"""Objects in one link that were compiled by a different compiler, or version of it, than the rest."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._objects import compile_again, major, recorded
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import listed, shown
from coblyn.doctor.finding import Confidence, Evidence, Finding, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.trace.link import Link

__all__ = ["CAUSE"]

_DEFAULTS = {"C": ("cc", ("cc", "gcc")), "C++": ("cxx", ("c++", "g++"))}


def _diagnose(case: Case) -> Finding | None:
    tree = case.tree
    if tree is None:
        return None
    for link in tree.links:
        for language in ("C", "C++", "Objective-C", "Objective-C++"):
            made = {
                each.object: record
                for each, record, spoken in recorded(tree, link)
                if spoken == language and record.compiler
            }
            by: dict[str, list[str]] = {}
            for name, record in made.items():
                # The intermediate code for link-time optimisation also changes with minor versions.
                who = _release(record.compiler) if record.has_lto else major(record.compiler)
                by.setdefault(who, []).append(name)
            if len(by) > 1:
                return _mixed(case, tree, link, language, by)
            if by and (found := _older(case, tree, link, language, next(iter(by.items())))):
                return found
    return None


def _mixed(case: Case, tree: Tree, link: Link, language: str, by: dict[str, list[str]]) -> Finding:
    fewest = min(by, key=lambda who: len(by[who]))
    said = "; ".join(f"{listed(names)} by {who}" for who, names in sorted(by.items()))
    has_lto = any(tree.records[name].has_lto for names in by.values() for name in names)
    failed = case.log is not None and case.log.failed
    return CAUSE.finding(
        *(Evidence(shown(names[0]), 0, f"was made by {who}") for who, names in sorted(by.items())),
        story=(
            f"The {language} objects of {shown(link.target)} were made by different compilers: {said}.",
            "They are newer than their sources, so the next build keeps them as they are.",
            "They hold intermediate code for link-time optimisation, which no other version can read."
            if has_lto
            else CAUSE.explanation,
        ),
        fix=compile_again(tree, by[fewest], f"was made by {fewest}"),
        confidence=Confidence.MEDIUM,
        severity=Severity.FAILURE if failed and not link.is_archive else Severity.RISK,
    )


def _release(compiler: str) -> str:
    """Vendor and minor version: "gcc 12.2" from "gcc 12.2.0"."""
    return ".".join(compiler.split(".")[:2])


def _older(
    case: Case, tree: Tree, link: Link, language: str, made: tuple[str, list[str]]
) -> Finding | None:
    """All objects are from one compiler, but a makefile would now use another version of it."""
    now = _now(case, tree, link, language)
    who, names = made
    name = who.partition(" ")[0]
    if not now.startswith(f"{name} ") or now == who or major(now) == major(who):
        return None
    return CAUSE.finding(
        Evidence(shown(names[0]), 0, f"was made by {tree.records[names[0]].compiler}"),
        Evidence("this machine", 0, f"the {language} compiler is {now}"),
        story=(
            (
                f"What {shown(link.target)} is linked from was made by {who}, and the {language} compiler is {now} "
                "now: files compiled from now on come from another compiler than the rest."
            ),
            CAUSE.explanation,
        ),
        fix=compile_again(tree, names, f"was made by {who}"),
        confidence=Confidence.MEDIUM,
        severity=Severity.NOTE,
    )


def _now(case: Case, tree: Tree, link: Link, language: str) -> str:
    """Version of the compiler that make would use for a link's objects; empty if unknown."""
    fact, names = _DEFAULTS.get(language, ("", ()))
    database = next((each for each in tree.makes if link.rule in each.rules), None)
    if not fact or database is None or case.machine is None or not link.rule:
        return ""
    chosen = database.variables.get({"cc": "CC", "cxx": "CXX"}[fact])
    value = chosen.value.strip() if chosen else ""
    machine = case.machine
    same = value in (*names, machine[fact]) or posixpath.basename(value) == posixpath.basename(
        machine[f"{fact}.real"]
    )
    return machine[f"{fact}.version"] if value and same else ""


CAUSE: Cause = described(__name__, _diagnose)
