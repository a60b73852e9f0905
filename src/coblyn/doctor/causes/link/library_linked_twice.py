"""A static library that occurs twice in one link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    Pair,
    archive,
    duplicates,
    file_name,
    member,
    pairs,
    twice,
)
from coblyn.doctor.causes._links import library_twice
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import joined
from coblyn.doctor.finding import Confidence

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    if not case.log:
        return None
    for pair in pairs(duplicates(case.log)):
        if _is_one_library(pair):
            where, again = archive(pair.first), archive(pair.second)
            paths = "" if where == again else f": as {where} and as {again}"
            return twice(
                CAUSE,
                case.log,
                pair,
                f"{file_name(where)} is in the link twice{paths}.",
                CAUSE.explanation,
                confidence=Confidence.HIGH if len(pair.duplicates) > 1 else Confidence.MEDIUM,
            )
    return None


def _is_one_library(pair: Pair) -> bool:
    one, other = archive(pair.first), archive(pair.second)
    return (
        bool(one)
        and file_name(one) == file_name(other)
        and member(pair.first) == member(pair.second)
    )


CAUSE: Cause = described(__name__, lambda case: joined(library_twice(CAUSE, case), _diagnose(case)))
