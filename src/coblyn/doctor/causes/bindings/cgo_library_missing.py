"""Go's link without the native library that the package calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._libraries import library_of
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import undefined
from coblyn.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_CGO = re.compile(
    r"_cgo_[0-9a-f]{6,64}_C(?:func|2func)_|_x?cgo\d*\.o|\.cgo2\.[co]|go-link-\d+|\$WORK/b\d+"
)


def _diagnose(case: Case) -> Finding | None:
    log = case.log
    if not log:
        return None
    mark = log.find(_CGO)
    found = undefined(log) if mark else ()
    if not found or not mark:
        return None
    own = [each for each in found if not library_of(each.symbol)]
    if len(own) < 0.5 * len(found):
        return None
    names = ", ".join(each.symbol for each in own[:3])
    return CAUSE.finding(
        *(each.hit.evidence(log.name) for each in own[:_EVIDENCE]),
        story=(f"Go's link asks for {names}, and no library in it has them.", CAUSE.explanation),
        confidence=Confidence.MEDIUM,
    )


CAUSE: Cause = described(__name__, _diagnose)
