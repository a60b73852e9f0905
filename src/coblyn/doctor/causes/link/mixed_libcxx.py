"""Objects built with LLVM's C++ library and with GCC's in one link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import undefined
from coblyn.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_LLVM = re.compile(r"std::__(?:1|ndk1|Cr)::|NSt3__1|NSt6__ndk1|St3__1")
_GNU = re.compile(
    r"std::__cxx11::|St7__cxx11|std::__throw_|std::__detail::|_ZSt\d+__throw|std::__once_call"
)

_FILESYSTEM = re.compile(r"std::__\w+::__fs::filesystem::|St3__14__fs10filesystem")


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    llvm = [each for each in found if _LLVM.search(each.symbol)]
    gnu = [each for each in found if _GNU.search(each.symbol)]
    if not case.log or not (llvm or gnu):
        return None
    # With Apple's and LLVM's clang the native library is LLVM's; elsewhere GCC's.
    is_mac = "for architecture" in case.log or "ld64" in case.log
    strange = gnu if is_mac else llvm
    if not is_mac and all(_FILESYSTEM.search(each.symbol) for each in found):
        return None  # LLVM 8 has that part in a separate library; the rest of libc++ is linked.
    if not strange:
        return None
    has, wants = (
        ("LLVM's libc++", "GCC's libstdc++") if is_mac else ("GCC's libstdc++", "LLVM's libc++")
    )
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in strange[:_EVIDENCE]),
        story=(
            f"{strange[0].by or 'An object'} was compiled with the headers of {wants}, and the link has {has}.",
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH if len(strange) > 1 else Confidence.MEDIUM,
    )


CAUSE: Cause = described(__name__, _diagnose)
