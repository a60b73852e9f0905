"""Libraries referenced by a path that exists on only one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.causes.audit._audit import agree, audited, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report which files reference which libraries."""
    absolute = report.absolute
    if not absolute:
        return None
    askers = [each.binary for each in absolute]
    return CAUSE.finding(
        *seen_each((each.binary, f"needs {each.library}") for each in absolute),
        story=(
            f"{names_of(askers)} {agree(askers, 'asks', 'ask')} for {shown(absolute[0].library)} by its full path.",
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH,
        severity=Severity.RISK,
    )


CAUSE: Cause = described(__name__, audited(find))
