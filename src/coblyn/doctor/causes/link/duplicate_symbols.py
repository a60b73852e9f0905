"""Symbols that are defined twice, with no more specific cause."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    SUMMARY,
    Pair,
    archive,
    duplicates,
    file_name,
    pairs,
    stem,
    twice,
)
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.link._definitions import definitions
from coblyn.doctor.finding import Confidence, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding
    from coblyn.doctor.log.log import Log

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    if not case.log:
        return None
    found = pairs(duplicates(case.log))
    if not found:
        return _bare(case, case.log)
    pair = found[0]
    story, text = _why(pair) or _single(case, pair) or (CAUSE.explanation, CAUSE.fix)
    return twice(CAUSE, case.log, pair, story, fix=Fix(text=text))


def _bare(case: Case, log: Log) -> Finding | None:
    """Only the linker's count, without the symbol names above it."""
    hit = log.find(SUMMARY)
    if hit is None:
        return None
    count = int(hit[1])
    symbols = f"{count} symbols are each" if count > 1 else "One symbol is"
    usual = (
        "So many at once are all that one source defines: it was compiled into two objects, most often since an old "
        "makefile (Makefile.local) is still included, or an object of an earlier build is left over."
        if count > 1
        else "A single one is a function or variable that two sources define, or a header without inline or extern."
    )
    more = "The lines above the sum name the symbols and the two files"
    return CAUSE.finding(
        hit.evidence(log.name),
        story=(
            f"The link failed: {symbols} defined twice. This log does not say by which files.",
            usual,
        ),
        fix=Fix(
            command="" if case.tree else "coblyn doctor .",
            text=f"{more}: give more of the log"
            + (
                "."
                if case.tree
                else ", or the source tree: the doctor finds the file that brings them."
            ),
        ),
        confidence=Confidence.MEDIUM,
    )


def _single(case: Case, pair: Pair) -> tuple[str, str] | None:
    """One symbol from two different sources: where they are, and why they have the same symbol."""
    if len(pair.duplicates) > 1:
        return None
    symbol = pair.duplicates[0].symbol
    places = definitions(case.tree, symbol.removeprefix("_")) if case.tree else []
    where = (
        f"It is defined at {' and at '.join(f'{each.source}:{each.line}' for each in places[:3])}."
        if places
        else f"By the objects' names the owners are {stem(pair.first)} and {stem(pair.second)}."
    )
    return (
        f"{where} `make clean` cannot help: the sources themselves define it twice.",
        (
            "Keep one definition: make the other one static or an extern declaration; where it stands in a "
            "header, write "
            "inline before it (a variable: extern there, and one definition in one source)."
        ),
    )


def _why(pair: Pair) -> tuple[str, str] | None:
    """What happened and what to do, judging by the names of files and symbols."""
    names = {each.symbol.lstrip("_") for each in pair.duplicates}
    if "main" in names:
        return (
            "Each of the two has a function main: two programs, or a program and a test, are in one link.",
            (
                "Link one program at a time: take the other one's source out of the list (a wildcard such as *.c "
                "takes both)."
            ),
        )
    one, other = archive(pair.first), archive(pair.second)
    if _SYSTEM.search(pair.first) or _SYSTEM.search(pair.second):
        return (
            (
                "One of the two is of the system or the compiler: the program defines a function that its library "
                "has too, or a library that belongs to the compiler was put into another one."
            ),
            (
                "Rename or leave out the program's own one (often a switch HAVE_... of configure's), and do not "
                "pack libgcc or the C library into an archive of your own."
            ),
        )
    if one and other and one != other:
        return (
            (
                f"{file_name(one)} and {file_name(other)} contain the same code: one was packed into the other, or "
                "both bring a copy of a third library."
            ),
            (
                f"Link one of them: if {file_name(other)} holds all of {file_name(one)}, leave the latter out; else "
                "build the shared part once and link it once. --allow-multiple-definition only hides it."
            ),
        )
    if stem(pair.first) == stem(pair.second):
        return (
            (
                "Both objects have the same name: one source was compiled twice, for two targets or by an earlier "
                "build, and both objects are in the link."
            ),
            (
                "Clear what was built (make clean, or a new build directory) and build again; if it stays, one "
                "source is listed twice, or a file was copied within the tree: take one out."
            ),
        )
    return None


# Paths of files that belong to the system or the compiler.
_SYSTEM = re.compile(
    r"lib(?:gcc|gcc_eh|c|m|stdc\+\+|msvcrt|ucrt|mingwex|compiler_rt)[\w.-]*\.(?:a|lib|so)\b"
    r"|(?i:libcmt|msvcrt)d?\.lib"
)

CAUSE: Cause = described(__name__, _diagnose)
