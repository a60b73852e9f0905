"""Object files and libraries that are truncated or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import MOST, audited, listed
from coblyn.doctor.finding import Confidence, Evidence, Fix
from coblyn.doctor.tree.files import printable

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]

# The reason contains the full path of the file.
_LONGEST = 1000


def find(report: AuditReport) -> Finding | None:
    """Report which files cannot be read, and why."""
    broken = report.broken
    if not broken:
        return None
    names = listed([each.path.name for each in broken])
    reasons = [printable(each.reason, _LONGEST) for each in broken[:MOST]]
    return CAUSE.finding(
        *(
            Evidence(str(each.path), 0, reason)
            for each, reason in zip(broken, reasons, strict=False)
        ),
        story=(
            f"{names} cannot be read: a linker refuses {'it' if len(broken) == 1 else 'them'}, too.",
            reasons[0],
            CAUSE.explanation,
        ),
        fix=Fix(text=f"Delete {names} and build again."),
        confidence=Confidence.HIGH,
    )


CAUSE: Cause = described(__name__, audited(find))
