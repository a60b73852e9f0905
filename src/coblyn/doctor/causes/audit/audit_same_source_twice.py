"""One source in two objects of one link, according to the files of the build directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import at, shown
from coblyn.doctor.causes.audit._audit import MOST, audited
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report which source is in a link twice; a note if the macros differ, which may be intended."""
    same = [pair for pair in report.twins if pair.is_same]
    chosen = same or report.twins
    if not chosen:
        return None
    first, second = chosen[0].first, chosen[0].second
    return CAUSE.finding(
        *(
            at(pair.first.place or pair.target, f"{pair.first.object} and {pair.second.object}")
            for pair in chosen[:MOST]
        ),
        story=(
            (
                f"{shown(first.source)} is compiled into {shown(first.object)} and into "
                f"{shown(second.object)}, and {shown(chosen[0].target)} is linked from both."
            ),
            CAUSE.explanation
            if same
            else "They are compiled with different macros, so it may be meant so.",
        ),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK if same else Severity.NOTE,
    )


CAUSE: Cause = described(__name__, audited(find))
