"""A backend that was requested but is missing from the build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import audited, listed
from coblyn.doctor.finding import Evidence

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report the missing backend."""
    if not report.lacks_backend:
        return None
    inside = report.backends
    return CAUSE.finding(
        *(
            Evidence(
                str(each.binary.path), 0, f"has {listed([one.name for one in each.backends], 9)}"
            )
            for each in report.files
            if each.backends
        ),
        story=(
            (
                f"The backend {report.scope.backend} was asked for, but no library has it: inside "
                f"{'are' if len(inside) > 1 else 'is'} {listed(inside, 9) or 'none'}."
            ),
            CAUSE.explanation,
        ),
    )


CAUSE: Cause = described(__name__, audited(find))
