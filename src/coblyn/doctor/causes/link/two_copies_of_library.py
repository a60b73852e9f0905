"""Two packages that bundle the same library, in one program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    Pair,
    archive,
    carried,
    duplicates,
    pairs,
    stem,
    twice,
)
from coblyn.doctor.causes._table import described

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    if not case.log:
        return None
    for pair in pairs(duplicates(case.log)):
        library = carried(pair)
        if library and _apart(pair):
            return twice(
                CAUSE, case.log, pair, f"Each brings its own copy of {library}.", CAUSE.explanation
            )
    return None


def _apart(pair: Pair) -> bool:
    one, other = archive(pair.first), archive(pair.second)
    if one and other:
        return one != other
    first, second = stem(pair.first), stem(pair.second)
    return not (first.startswith(second) or second.startswith(first))


CAUSE: Cause = described(__name__, _diagnose)
