"""Object files that define the same symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import MOST, audited, listed, seen
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report which objects cannot be linked together."""
    clashes = report.clashes
    if not clashes:
        return None
    first = clashes[0]
    names = [each.label for each in first.objects]
    total = sum(len(clash.symbols) for clash in clashes)
    symbols = "1 symbol is" if total == 1 else f"{total} symbols are"
    count = len(first.symbols)
    return CAUSE.finding(
        *(
            seen(each, f"defines {listed(clash.symbols, 4)}")
            for clash in clashes[:MOST]
            for each in clash.objects[:2]
        ),
        story=(
            f"{symbols} defined strongly in more than one object: a link of all of them fails.",
            (
                f"{listed(names)} {'both' if len(names) == 2 else 'all'} define {listed(first.symbols)} "
                f"({count} in all)."
            ),
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH if report.scope.is_one_link else Confidence.MEDIUM,
        severity=_severity(report),
    )


def _severity(report: AuditReport) -> Severity:
    if report.scope.is_one_link:
        return Severity.FAILURE
    # A build directory has objects of several programs, which may define the same symbols.
    is_meant = any(
        all(each.path in report.named for each in clash.objects) for clash in report.clashes
    )
    return Severity.RISK if is_meant else Severity.NOTE


CAUSE: Cause = described(__name__, audited(find))
