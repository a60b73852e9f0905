"""Two layouts of std::string: that of GCC's old C++ library and that of the new one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import Undefined, at_run_time, undefined
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_TAGGED = re.compile(r"\[abi:cxx11\]|std::__cxx11::|St7__cxx11|B5cxx11")
# Symbols missing from the C++ library itself have another cause: it is not linked, or too old.
_OWN = re.compile(
    r"^(?:std::|_ZNK?St|_ZNK?St7__cxx11|vtable for std::|operator|typeinfo for std::)"
)
_TORCH = re.compile(r"^_ZNK?(?:3c10|2at|5torch)|^(?:c10|at|torch)::")


def _diagnose(case: Case) -> Finding | None:
    if not case.log:
        return None
    at_start = at_run_time(case.log)
    found = [each for each in (*undefined(case.log), *at_start) if _is_tagged(each)]
    if not found:
        return None
    first = found[0]
    torch = bool(_TORCH.search(first.symbol))
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in found[:_EVIDENCE]),
        story=(
            f"{first.by or 'An object'} asks for {first.symbol[:160]}, in the spelling of GCC's newer std::string.",
            CAUSE.explanation,
        ),
        fix=_REBUILD if torch else None,
        # A removed old symbol looks the same.
        confidence=Confidence.MEDIUM,
    )


def _is_tagged(each: Undefined) -> bool:
    return bool(_TAGGED.search(each.symbol)) and not _OWN.search(each.symbol)


_REBUILD = Fix(
    command="pip install --force-reinstall --no-cache-dir --no-build-isolation --no-binary PACKAGE --no-deps PACKAGE",
    text="Take the wheel that is made for the installed torch (its version, and cxx11abiTRUE or FALSE as "
    "torch._C._GLIBCXX_USE_CXX11_ABI says), or build the package against it.",
)
CAUSE: Cause = described(__name__, _diagnose)
