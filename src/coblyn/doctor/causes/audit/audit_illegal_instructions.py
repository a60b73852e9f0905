"""Code with instructions that this CPU does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import agree, audited, listed, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]

_GUARDED = "The code can ask the CPU first, or is one of several variants to choose from: probably all right."


def find(report: AuditReport) -> Finding | None:
    """Report which files use which instructions; a note if the code may choose at run time."""
    bare = [each for each in report.foreign if not each.is_guarded]
    shown = bare or report.foreign
    if not shown:
        return None
    users = [each.binary for each in shown]
    sets = listed([name for each in shown for name in each.sets], 4)
    return CAUSE.finding(
        *seen_each((each.binary, f"{each.count} instructions of {each.sets[0]}") for each in shown),
        story=(
            f"{names_of(users)} {agree(users, 'has', 'have')} instructions of {sets}, not in this CPU.",
            CAUSE.explanation if bare else _GUARDED,
        ),
        confidence=Confidence.HIGH if any(each.is_fatal for each in bare) else Confidence.MEDIUM,
        severity=Severity.FAILURE if bare else Severity.NOTE,
    )


CAUSE: Cause = described(__name__, audited(find))
