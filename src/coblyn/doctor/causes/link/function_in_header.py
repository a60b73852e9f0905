"""A function or variable that a header defines, in every object that includes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import Duplicate, duplicates
from coblyn.doctor.causes._links import function_in_header
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import joined
from coblyn.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_HEADER = re.compile(r"([^\s:;'`(>]+\.(?:hpp|hxx|hh|h|inl|ipp|cuh))(?::\d+|:\()")


def _diagnose(case: Case) -> Finding | None:
    found = duplicates(case.log) if case.log else ()
    if not found or not case.log:
        return None
    in_header = [(each, name) for each in found if (name := _header(each))]
    files = {path for each in found for path in (each.first, each.second)}
    symbols = {each.symbol for each in found}
    # A header yields few symbols in many objects; a source linked twice yields many symbols in two objects.
    many = len(files) > max(3, len(symbols))
    if not in_header and not many:
        return None
    shown = [each for each, _ in in_header] or list(found)
    where = in_header[0][1] if in_header else "a header that they all include"
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in shown[:_EVIDENCE]),
        story=(
            f"The link failed: {shown[0].symbol} is defined in {shown[0].first} and {shown[0].second}"
            + (f", {len(files)} files in all." if len(files) > 2 else "."),
            f"Its definition is in {where}, so every source that includes it defines it again.",
            CAUSE.explanation,
        ),
        # If only some symbols are the header's, the whole source may be linked twice.
        confidence=Confidence.HIGH if len(in_header) == len(found) else Confidence.MEDIUM,
    )


def _header(each: Duplicate) -> str:
    """The header that the linker names as the place of a definition, from debug info."""
    found = _HEADER.search(each.hit.match[0]) or _HEADER.search(each.hit.line)
    return found[1] if found else ""


CAUSE: Cause = described(
    __name__, lambda case: joined(function_in_header(CAUSE, case), _diagnose(case))
)
