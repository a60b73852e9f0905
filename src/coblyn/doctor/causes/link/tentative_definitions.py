"""Variables without extern in a C header: GCC 10 and Clang 11 no longer merge them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import Duplicate, duplicates
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_UNSET = re.compile(r"(?:\(\.bss(?:\.[\w.]+)?\+0x[0-9a-f]+\)|\(COMMON\)|\(\.bss\))")

_IN_C_HEADER = re.compile(r"\.o\)?:[^\s:;]+\.[hcyl]:\d+: multiple definition of")


def _diagnose(case: Case) -> Finding | None:
    found = duplicates(case.log) if case.log else ()
    # If one of them is a function, whole objects or a header's function bodies are duplicated.
    if not found or not case.log or not all(map(_is_unset, found)):
        return None
    first = found[0]
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in found[:_EVIDENCE]),
        story=(
            f"The link failed: the variable {first.symbol} is defined in both {first.first} and {first.second}.",
            CAUSE.explanation,
        ),
        fix=Fix(command="make clean && make CFLAGS=-fcommon", text=CAUSE.fix),
        confidence=Confidence.HIGH if _UNSET.search(first.hit.line) else Confidence.MEDIUM,
    )


def _is_unset(each: Duplicate) -> bool:
    if len(_UNSET.findall(each.hit.match[0] + each.hit.line)) > 1:
        return True
    # With debug info, GNU ld names the header instead of the section; for a variable, next to its object.
    return bool(_IN_C_HEADER.search(each.hit.line)) and each.symbol.isidentifier()


CAUSE: Cause = described(__name__, _diagnose)
