"""Run paths that lead out of the bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes import _tree
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import agree, audited, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport
    from coblyn.native.audit.runpaths import Escape

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report which run paths lead out of the bundle, and whether any library is searched for there."""
    escapes = report.escapes
    if not escapes:
        return None
    # CMake leaves an empty last entry when it removes a path.
    risky = [each for each in escapes if each.is_used and each.path and not each.is_own]
    shown = risky or list(escapes)
    first = shown[0]
    askers = [each.binary for each in shown]
    return CAUSE.finding(
        *seen_each(
            (each.binary, f"looks in {each.path or 'the current directory'}") for each in shown
        ),
        story=(
            (
                f"{names_of(askers)} {agree(askers, 'looks', 'look')} for libraries in "
                f"{_tree.shown(first.path) or 'the current directory'}, "
                f"outside of {agree(askers, 'its', 'their')} own directory."
            ),
            _meaning(first),
        ),
        confidence=Confidence.HIGH if risky else Confidence.MEDIUM,
        severity=Severity.RISK if risky else Severity.NOTE,
    )


def _meaning(escape: Escape) -> str:
    if not escape.is_used:
        return "Nothing is needed from there, so it does no harm."
    if escape.is_own:
        return (
            "It is where the library is now, as in every build directory: do not move it by hand."
        )
    if not escape.path:
        return (
            "An empty entry in the list means the directory in which the program is started: a library of the right "
            "name there is loaded before the system's."
        )
    return CAUSE.explanation


CAUSE: Cause = described(__name__, audited(find))
