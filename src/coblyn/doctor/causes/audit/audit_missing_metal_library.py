"""A Metal backend without its shaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.audit._audit import agree, audited, names_of, seen_each
from coblyn.doctor.finding import Confidence

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Report which library has Metal but no shaders."""
    without = report.without_shaders
    if not without:
        return None
    return CAUSE.finding(
        *seen_each(
            (each, "has the Metal backend, and no section __ggml_metallib") for each in without
        ),
        story=(
            (
                f"{names_of(without)} {agree(without, 'has', 'have')} the Metal backend, but its shaders are "
                "neither in it nor beside it (default.metallib, ggml-metal.metal)."
            ),
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH if report.scope.is_bundle else Confidence.MEDIUM,
    )


CAUSE: Cause = described(__name__, audited(find))
