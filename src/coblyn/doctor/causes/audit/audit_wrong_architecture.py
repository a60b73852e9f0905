"""Objects for different processors, and libraries for a processor other than this machine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import agree, audited, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report files that do not match each other or this machine."""
    mixed, scope = report.mixed, report.scope
    odd = [*mixed, *report.strangers]
    if not odd:
        return None
    binaries = [each.binary for each in odd]
    first = odd[0]
    is_sure = bool(mixed and scope.is_one_link) or bool(report.strangers and scope.is_bundle)
    what = (
        f"most other objects are for {first.expected}"
        if mixed
        else f"this machine is {first.expected}"
    )
    return CAUSE.finding(
        *seen_each((each.binary, each.text) for each in odd),
        story=(
            f"{names_of(binaries)} {agree(binaries, 'is', 'are')} for {first.binary.arch}, but {what}.",
            CAUSE.explanation
            if mixed or is_sure
            else "That is all right unless it is meant to run here.",
        ),
        confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
        severity=_severity(is_sure=is_sure, is_mixed=bool(mixed)),
    )


def _severity(*, is_sure: bool, is_mixed: bool) -> Severity:
    if is_sure:
        return Severity.FAILURE
    # Examining libraries for other machines is not an error.
    return Severity.RISK if is_mixed else Severity.NOTE


CAUSE: Cause = described(__name__, audited(find))
