"""Required libraries that do not exist anywhere."""

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


def find(report: AuditReport) -> Finding | None:
    """Report what is missing, and what would provide it."""
    sure = [each for each in report.missing if each.is_fatal]
    shown = sure or report.missing
    if not shown:
        return None
    names = listed([each.library for each in shown])
    askers = [each.binary for each in shown]
    drivers = not sure and all(each.is_of_driver for each in shown)
    return CAUSE.finding(
        *seen_each((each.binary, f"needs {each.library}") for each in shown),
        story=(
            (
                f"{names_of(askers)} {agree(askers, 'needs', 'need')} {names}, "
                f"{'which is not here' if sure else 'not among the given files'}."
            ),
            "It comes with the GPU's driver or toolkit, and has to be there on the machine that uses it."
            if drivers
            else CAUSE.explanation,
        ),
        confidence=_confidence(is_sure=bool(sure), is_bundle=report.scope.is_bundle),
        severity=Severity.FAILURE if sure else Severity.NOTE,
    )


def _confidence(*, is_sure: bool, is_bundle: bool) -> Confidence:
    if is_sure and is_bundle:
        return Confidence.HIGH
    return Confidence.MEDIUM if is_sure else Confidence.LOW


CAUSE: Cause = described(__name__, audited(find))
