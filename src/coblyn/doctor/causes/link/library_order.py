"""A static library that is named before the objects that need it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import file_name
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import Undefined, undefined
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.log.log import Log

__all__ = ["CAUSE"]

_EVIDENCE = 3
_LINK = re.compile(r"(?m)^[^\n]*\s-o\s*\S+[^\n]*$")
_LIBRARY = re.compile(r"(?<!\S)(?:-l(?!(?:m|c|dl|pthread|rt|gcc|stdc\+\+)\b)\S+|\S+\.a)(?=\s|$)")
_OBJECT = re.compile(r"(?<!\S)(\S+\.o)(?=\s|$)")


def _diagnose(case: Case) -> Finding | None:
    found = [each for each in undefined(case.log) if each.by] if case.log else []
    for each in found[:20]:
        if case.log and (command := _early_library(case.log, each)):
            library, link = command
            return CAUSE.finding(
                each.hit.evidence(case.log.name),
                *(other.hit.evidence(case.log.name) for other in found[1:_EVIDENCE]),
                story=(
                    f"{each.by} needs {each.symbol}, and the link command names {library} before it: {link}",
                    CAUSE.explanation,
                ),
                fix=Fix(
                    text=f"Put {library} after {each.by} in the link command (make: LDLIBS after $^)."
                ),
                confidence=Confidence.MEDIUM,
            )
    return None


def _early_library(log: Log, each: Undefined) -> tuple[str, str] | None:
    """A library that the last link command names before an object that lacks something, and none after it."""
    name = file_name(each.by)
    links = [
        match[0]
        for match in _LINK.finditer(log.text, 0, each.hit.match.start())
        if name in match[0] and " -c " not in match[0]
    ]
    if not links:
        return None
    link = links[-1]
    places = [match.start() for match in _OBJECT.finditer(link) if file_name(match[1]) == name]
    libraries = list(_LIBRARY.finditer(link))
    if not places or not libraries or any(found.start() > places[-1] for found in libraries):
        return None
    return libraries[-1][0], " ".join(link.split())[:200]


CAUSE: Cause = described(__name__, _diagnose)
