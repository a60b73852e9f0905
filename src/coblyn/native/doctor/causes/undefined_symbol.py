"""Symbols that nothing in a link defines, when nothing tells why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.native.doctor.cause import Cause
from coblyn.native.doctor.causes._undefined import undefined
from coblyn.native.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.native.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
# What single names tell: pattern, what happened, what to do.
_WHY: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"(?:w?WinMain|main|wmain|SDL_main)(?:$|@|\()"),
        (
            "The program has no function main that the linker sees: the source that has it is not in the link, or a "
            "header (SDL's) has renamed it."
        ),
        "Put the source with main into the link; with SDL link SDL2main before SDL2, or define SDL_MAIN_HANDLED.",
    ),
    (
        re.compile(r"__aarch64_(?:ldadd|cas|swp|ldclr|ldset|ldeor)\d"),
        (
            "GCC 10 and later call these helpers of its own library (libgcc), and the link takes an older "
            "libgcc, or none."
        ),
        "Compile with -mno-outline-atomics, or link with the same GCC (g++) that compiled.",
    ),
    (
        re.compile(r"__cpu_(?:model|indicator_init|features2)"),
        "That is in libgcc, which this link leaves out or hides.",
        "Link with g++ (or clang++ --rtlib=libgcc), and with -lgcc at the end.",
    ),
    (
        re.compile(r"(?:vtable|typeinfo|VTT) for "),
        (
            "A class's virtual functions are compiled into one object, that of its first virtual function; that "
            "object, or that function's body, is not there, or the class comes from a library compiled without RTTI."
        ),
        (
            "See that the source with the class's functions is in the list of what is built, that every virtual "
            "function has a body or is = 0, and that all is compiled with the same -fno-rtti or none."
        ),
    ),
)


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    if not found or not case.log:
        return None
    names = ", ".join(each.symbol for each in found[:3])
    by = f" It is asked for by {found[0].by}." if found[0].by else ""
    why = next((say for pattern, *say in _WHY if pattern.match(found[0].symbol)), None)
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in found[:_EVIDENCE]),
        story=(f"Nothing in the link defines {names}.{by}", why[0] if why else CAUSE.explanation),
        fix=Fix(text=why[1]) if why else None,
        confidence=Confidence.MEDIUM,
    )


CAUSE = Cause(
    id="undefined-symbol",
    title="Something is used that nothing in the link defines",
    looks_like="`undefined reference to`, `Undefined symbols for architecture`, LNK2019.",
    needs="The linker's own words, and no library that the symbol is known to belong to.",
    explanation="An object asks for a function that no object or library of this link has: a source file is not in "
    "the list of what is built, an object is older than its source, or a header is of another release than the "
    "library.",
    fix="Clear what was built and build again; if it stays, see that headers and libraries are of one release, and "
    "that the source that defines the symbol is built and linked. `coblyn doctor OBJECTS...` shows who defines what.",
    links=(
        "https://github.com/ggml-org/llama.cpp/pull/1710",
        "https://github.com/ggml-org/llama.cpp/issues/8211",
    ),
    diagnose=_diagnose,
)
