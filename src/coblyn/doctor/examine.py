"""Makes a diagnosis of a case: checks every cause, and omits findings that another finding explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.causes import catalogue
from coblyn.doctor.finding import Confidence, Diagnosis, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["examine"]

_GRAVITY = {Severity.FAILURE: 0, Severity.RISK: 1, Severity.NOTE: 2}


def examine(case: Case) -> Diagnosis:
    """Check every cause against a case."""
    found = [finding for cause in catalogue() if (finding := cause.diagnose(case))]
    findings = tuple(sorted(_without_symptoms(found), key=_rank))
    log = case.log
    return Diagnosis(
        findings,
        first_error=log.first_error if log else (),
        failed=(log is not None and log.failed)
        or any(finding.severity is Severity.FAILURE for finding in findings),
    )


def _without_symptoms(found: list[Finding]) -> list[Finding]:
    explained = {
        symptom
        for cause in catalogue()
        for finding in found
        if finding.cause == cause.id and finding.confidence > Confidence.LOW
        for symptom in cause.explains
    }
    last = {cause.id for cause in catalogue() if cause.is_last}
    left = [finding for finding in found if finding.cause not in explained]
    is_known = any(
        finding.severity is Severity.FAILURE
        and finding.confidence > Confidence.LOW
        and finding.cause not in last
        for finding in left
    )
    return [finding for finding in left if not (is_known and finding.cause in last)]


def _rank(finding: Finding) -> tuple[int, int, int, str]:
    # At equal severity and confidence, the finding with more evidence comes first; the id makes the order stable.
    return (
        _GRAVITY[finding.severity],
        -finding.confidence,
        -len(finding.evidence),
        finding.cause,
    )
