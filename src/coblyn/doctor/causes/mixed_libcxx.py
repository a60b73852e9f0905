"""Objects of LLVM's C++ library and of GCC's in one link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
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
        return (
            None  # LLVM 8 has that part in a library of its own; the rest of libc++ is in the link.
        )
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


CAUSE = Cause(
    id="mixed-libcxx",
    title="Objects of two C++ libraries are in one link",
    looks_like="Undefined symbols with std::__1:: (LLVM's) on Linux, or std::__cxx11:: (GCC's) on macOS.",
    needs="Undefined symbols in the spelling of the C++ library that the link does not have.",
    explanation="GCC's libstdc++ and LLVM's libc++ name their types differently, so that an object compiled against "
    "one can not be linked with the other: an object of another compiler was left over, or a library was built by "
    "one.",
    fix="Clear what was built, and compile everything with one compiler and one library (CC and CXX of the same kind; "
    "with clang on Linux, -stdlib= the same everywhere).",
    links=(
        "https://github.com/ithewei/libhv/issues/478",
        "https://github.com/abetlen/llama-cpp-python/issues/1956",
    ),
    diagnose=_diagnose,
    explains=("undefined-symbol", "cxx11-abi", "library-not-linked"),
)
