"""A function that the link defines with other arguments: header and library are from different releases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Case
    from coblyn.doctor.log.log import Hit, Log

__all__ = ["CAUSE", "qualified_name"]

_EVIDENCE = 3
_LLD = re.compile(
    r"undefined symbol: (?P<want>[^\n]{1,600})\n(?:>>>[^\n]{0,600}\n){0,9}?"
    r">>> did you mean: (?P<have>[^\n]{1,600})(?:\n>>> defined in: (?P<file>[^\n]{1,300}))?"
)
_APPLE = re.compile(
    r"\"(?P<want>[^\"\n]{1,600})\", referenced from:\n(?:[ \t][^\n\"]{0,300}\n){0,9}?"
    r"[ \t]*\(maybe you meant: (?P<have>[^\n,]{1,600}?)\)(?P<file>)"
)
# The Itanium C++ ABI: _Z, then a nested name between N and E, each part as its length and its letters.
_MANGLED = re.compile(r"_{1,3}Z(?:NK?|L)?(?=\d)")
_LENGTH = re.compile(r"\d{1,3}")


def _diagnose(case: Case) -> Finding | None:
    found = list(_changed(case.log)) if case.log else []
    if not found or not case.log:
        return None
    first = found[0]
    where = f", in {first['file']}" if first["file"] else ""
    return CAUSE.finding(
        *(hit.evidence(case.log.name) for hit in found[:_EVIDENCE]),
        story=(
            f"The link failed: {first['want']} is called, and what is there is {first['have']}{where}.",
            CAUSE.explanation,
        ),
        # It could be one of several functions of that name, with its source not in the link.
        confidence=Confidence.MEDIUM,
    )


def _changed(log: Log) -> Iterator[Hit]:
    for pattern, word in ((_LLD, "did you mean"), (_APPLE, "maybe you meant")):
        for hit in log.hits(pattern, limit=20) if word in log else ():
            name = qualified_name(hit["want"])
            if name and name == qualified_name(hit["have"]) and hit["want"] != hit["have"]:
                yield hit


def qualified_name(symbol: str) -> str:
    """A C++ function's name without its arguments, mangled or not; empty for other symbols."""
    start = _MANGLED.match(symbol)
    if not start:
        name, bracket, _ = symbol.partition("(")
        return name.strip() if bracket else ""
    parts, at = [], start.end()
    while length := _LENGTH.match(symbol, at):
        end = length.end() + int(length[0])
        parts.append(symbol[length.end() : end])
        at = end
    return "::".join(parts)


CAUSE: Cause = described(__name__, _diagnose)
