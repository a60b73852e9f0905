"""What an audit saw, in the doctor's words."""

from __future__ import annotations

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Finding
from coblyn.native.audit import AuditReport

__all__ = ["findings"]


def findings(report: AuditReport) -> tuple[Finding, ...]:
    """What the catalogue finds in an audit alone, the gravest first."""
    return examine(Case(binaries=report)).findings
