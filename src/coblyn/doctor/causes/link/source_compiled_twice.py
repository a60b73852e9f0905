"""One source compiled into two objects that are both in one link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    Pair,
    archive,
    carried,
    compiled_from,
    duplicates,
    file_name,
    pairs,
    stem,
    twice,
)
from coblyn.doctor.causes._links import source_twice
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import joined
from coblyn.doctor.finding import Confidence

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    found = duplicates(case.log) if case.log else ()
    if not found or not case.log:
        return None
    sources = compiled_from(case.log)
    for pair in pairs(found):
        source = _shown(pair, sources)
        if source or _named_alike(pair):
            return twice(
                CAUSE,
                case.log,
                pair,
                f"Both come from one source, {source or stem(pair.first)}, that is compiled twice.",
                CAUSE.explanation,
                confidence=Confidence.HIGH if source else Confidence.MEDIUM,
            )
    return None


def _shown(pair: Pair, sources: dict[str, str]) -> str:
    """The common source of both objects according to the compiler commands; empty if they show none."""
    one = sources.get(file_name(pair.first), "")
    other = sources.get(file_name(pair.second), "")
    return one if one == other and file_name(pair.first) != file_name(pair.second) else ""


def _named_alike(pair: Pair) -> bool:
    """CMake names an object after its source, in a directory or a library of each target."""
    if stem(pair.first) != stem(pair.second) or pair.first == pair.second:
        return False
    one, other = file_name(archive(pair.first)), file_name(archive(pair.second))
    if one and other:
        return one != other and not carried(pair)
    return "CMakeFiles/" in pair.first and "CMakeFiles/" in pair.second


CAUSE: Cause = described(__name__, lambda case: joined(source_twice(CAUSE, case), _diagnose(case)))
