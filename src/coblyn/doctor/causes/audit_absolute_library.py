"""Libraries that are asked for by a path that only one machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._audit import agree, audited, names_of, seen_each
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Say which files ask for what."""
    absolute = report.absolute
    if not absolute:
        return None
    askers = [each.binary for each in absolute]
    return CAUSE.finding(
        *seen_each((each.binary, f"needs {each.library}") for each in absolute),
        story=(
            f"{names_of(askers)} {agree(askers, 'asks', 'ask')} for {shown(absolute[0].library)} by its full path.",
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH,
        severity=Severity.RISK,
    )


CAUSE = Cause(
    id="audit-absolute-library",
    title="A library is asked for by the path of one machine",
    looks_like="Library not loaded: /opt/homebrew/opt/libomp/lib/libomp.dylib.",
    needs="A needed library with an absolute path outside of the system's directories.",
    explanation="The library was found in a package manager's or a user's directory when it was linked, and its "
    "full path went into the result. Other machines, and this one after an update, do not have it there.",
    fix="Bring the library along and ask for it by @rpath or $ORIGIN (delocate, auditwheel, install_name_tool "
    "-change), or build without it, such as -DGGML_OPENMP=OFF.",
    links=(
        "https://github.com/dmlc/xgboost/issues/10946",
        "https://github.com/mlverse/libtorch-mac-m1/issues/7",
    ),
    diagnose=audited(find),
)
