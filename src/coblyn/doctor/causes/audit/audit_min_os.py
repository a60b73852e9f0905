"""Binaries that require a newer system than this one."""

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
    """Report which binaries require a newer system."""
    shown = [*report.too_new, *report.newer_objects]
    if not shown:
        return None
    first = shown[0]
    askers = [each.binary for each in shown]
    is_sure = any(each.is_fatal for each in report.too_new)
    has = (
        f"this machine has {first.has}" if report.too_new else f"other objects are for {first.has}"
    )
    return CAUSE.finding(
        *seen_each((each.binary, f"asks for {each.wants}") for each in shown),
        story=(
            f"{names_of(askers)} {agree(askers, 'asks', 'ask')} for {first.wants}, but {has}.",
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
        severity=_severity(is_sure=is_sure, is_ours=bool(report.too_new)),
    )


def _severity(*, is_sure: bool, is_ours: bool) -> Severity:
    if is_sure:
        return Severity.FAILURE
    return Severity.RISK if is_ours else Severity.NOTE


CAUSE: Cause = described(__name__, audited(find))
