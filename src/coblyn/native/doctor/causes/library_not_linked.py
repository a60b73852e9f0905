"""Symbols of a well-known library, with that library not in the link."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from coblyn.native.doctor.cause import Cause
from coblyn.native.doctor.causes._libraries import Library, library_of
from coblyn.native.doctor.causes._package import install
from coblyn.native.doctor.causes._system import system_of
from coblyn.native.doctor.causes._undefined import Undefined, undefined
from coblyn.native.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.native.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    known = [(each, library) for each in found if (library := library_of(each.symbol))]
    if not known or not case.log:
        return None
    library = Counter(library for _, library in known).most_common(1)[0][0]
    of_it = [each for each, its in known if its == library]
    # Where most of what is missing is something else, the link lacks more than a library.
    sure = Confidence.HIGH if len(known) > 0.8 * len(found) else Confidence.LOW
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in of_it[:_EVIDENCE]),
        story=(_story(of_it, library), CAUSE.explanation),
        fix=_fix(case, library),
        confidence=sure,
    )


def _story(found: list[Undefined], library: Library) -> str:
    names = ", ".join(each.symbol for each in found[:3])
    by = f" (asked for by {found[0].by})" if found[0].by else ""
    return (
        f"{names}{' and more' if len(found) > 3 else ''} of {library.name} are not in the link{by}."
    )


def _fix(case: Case, library: Library) -> Fix:
    is_mac = system_of(case) == "brew"
    flag = (library.mac or library.flag) if is_mac else library.flag
    command, ways = install(library.package, system_of(case))
    text = f"Add {flag} at the end of the link command (make: LDLIBS or LDFLAGS; CMake: target_link_libraries)."
    if library.package:
        text = f"{text} {ways} If it is installed already, see that the linker finds it (-L<directory>)."
    return Fix(command=command, text=" ".join(text.split()))


CAUSE = Cause(
    id="library-not-linked",
    title="A library is missing in the link",
    looks_like="Undefined symbols whose names belong to a well-known library: cblas_..., cublas..., GOMP_..., vk...",
    needs="Undefined symbols, nearly all of one known library.",
    explanation="The source was compiled against the library's headers, but the link does not name the library, "
    "names it "
    "before the objects that need it, or finds one that lacks these symbols.",
    fix="Add the library to the link command, after what needs it.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/1728",
        "https://github.com/ggml-org/llama.cpp/pull/11741",
    ),
    diagnose=_diagnose,
    explains=("undefined-symbol", "stale-objects"),
)
