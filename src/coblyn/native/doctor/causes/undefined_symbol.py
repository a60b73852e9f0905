"""Symbols that nothing in a link defines, when nothing tells why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.doctor.cause import Cause
from coblyn.native.doctor.causes._undefined import undefined
from coblyn.native.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from coblyn.native.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    if not found or not case.log:
        return None
    names = ", ".join(each.symbol for each in found[:3])
    by = f" It is asked for by {found[0].by}." if found[0].by else ""
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in found[:_EVIDENCE]),
        story=(f"Nothing in the link defines {names}.{by}", CAUSE.explanation),
        confidence=Confidence.MEDIUM,
    )


CAUSE = Cause(
    id="undefined-symbol",
    title="Something is used that nothing in the link defines",
    looks_like="`undefined reference to`, `Undefined symbols for architecture`, LNK2019.",
    needs="The linker's own words, and no library that the symbol is known to belong to.",
    explanation="An object asks for a function that no object or library of this link has: a source file is not in the "
    "list of what is built, an object is older than its source, or a header is of another release than the library.",
    fix="Clear what was built and build again; if it stays, see that headers and libraries are of one release, "
    "and that "
    "the source that defines the symbol is built and linked. `coblyn doctor OBJECTS...` shows who defines what.",
    links=(
        "https://github.com/ggml-org/llama.cpp/pull/1710",
        "https://github.com/ggml-org/llama.cpp/issues/8211",
    ),
    diagnose=_diagnose,
)
