"""Symbols that a library needs but that none of the libraries loaded with it provides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import audited, listed, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report what is missing, and where it should be."""
    sure = [each for each in report.unresolved if each.is_fatal]
    shown = sure or report.unresolved
    if not shown:
        return None
    is_bundle = report.scope.is_bundle
    first = shown[0]
    where = f" {listed([first.expected])} should have them and does not." if first.expected else ""
    count = len(first.symbols)
    return CAUSE.finding(
        *seen_each((each.binary, f"needs {listed(each.symbols, 4)}") for each in shown),
        story=(
            (
                f"{names_of([first.binary])} needs {listed(first.symbols)}{f' ({count} in all)' if count > 3 else ''}, "
                f"and no library beside it gives {'it' if count == 1 else 'them'}.{where}"
            ),
            CAUSE.explanation
            if sure or is_bundle
            else "Unless the program that loads it has them, it cannot be loaded.",
        ),
        confidence=_confidence(is_sure=bool(sure), is_bundle=is_bundle),
        severity=Severity.FAILURE if sure or is_bundle else Severity.RISK,
    )


def _confidence(*, is_sure: bool, is_bundle: bool) -> Confidence:
    if is_sure:
        return Confidence.HIGH
    # If a library that should provide them cannot be read here, loading it is the better test.
    return Confidence.MEDIUM if is_bundle else Confidence.LOW


CAUSE: Cause = described(__name__, audited(find))
