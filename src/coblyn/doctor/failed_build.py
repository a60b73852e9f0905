"""Explains why a build of Coblyn's engine failed, from its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Severity
from coblyn.doctor.log.reader import read_log
from coblyn.errors import BuildFailed, CoblynError
from coblyn.native.audit.report import AuditReport

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding

__all__ = ["explained"]


def explained(error: BuildFailed) -> BuildFailed:
    """The error with its cause and fix added, if the catalogue has them; otherwise unchanged."""
    if isinstance(error.audit, AuditReport):
        finding = _gravest(Case(binaries=error.audit))
        return _unsound(error, finding) if finding else error
    if error.log is None:
        return error
    try:
        finding = _gravest(Case(log=read_log(error.log)))
    except CoblynError:  # the log is gone: only the error itself is left
        return error
    return _named(error, finding) if finding else error


def _gravest(case: Case) -> Finding | None:
    diagnosis = examine(case)
    if not diagnosis.is_explained:
        return None
    return next(each for each in diagnosis.findings if each.severity is Severity.FAILURE)


def _named(error: BuildFailed, finding: Finding) -> BuildFailed:
    cause = f"The cause: {finding.title} (coblyn doctor {error.log}).\nThe fix: {_fix(finding)}"
    return BuildFailed(error.message, hint=f"{cause}\n{error.hint}", log=error.log)


def _unsound(error: BuildFailed, finding: Finding) -> BuildFailed:
    return BuildFailed(
        f"The engine was built, but is not sound. {finding.title}. {' '.join(finding.story)}",
        hint=_fix(finding),
        audit=error.audit,
    )


def _fix(finding: Finding) -> str:
    return finding.fix.command or finding.fix.text
