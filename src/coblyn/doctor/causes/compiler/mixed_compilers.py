"""C and C++ compiled by compilers of different vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import family, setting
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.finding import Confidence, Evidence, Severity
from coblyn.doctor.tree.environment import program

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    c, cxx = program(case.environ, "CC"), program(case.environ, "CXX")
    if family(c) and family(cxx) and family(c) != family(cxx):
        return _finding(c, cxx, setting(case, "CC"), setting(case, "CXX"))
    for cache in case.tree.caches if case.tree else ():
        c, cxx = cache["CMAKE_C_COMPILER"], cache["CMAKE_CXX_COMPILER"]
        if family(c) and family(cxx) and family(c) != family(cxx):
            return _finding(
                c,
                cxx,
                *(
                    Evidence(shown(cache.name), cache.line(name), f"{name} is {shown(cache[name])}")
                    for name in ("CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER")
                ),
            )
    return None


def _finding(c: str, cxx: str, *evidence: Evidence) -> Finding:
    return CAUSE.finding(
        *evidence,
        story=(f"C is compiled by {shown(c)} and C++ by {shown(cxx)}.", CAUSE.explanation),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK,
    )


CAUSE: Cause = described(__name__, _diagnose)
