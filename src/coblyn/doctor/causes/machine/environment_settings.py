"""Environment variables that affect every build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import setting
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import listed
from coblyn.doctor.finding import Confidence, Fix, Severity
from coblyn.doctor.tree.environment import settings

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    found = list(settings(case.environ)) if case.tree else []
    if not found:
        return None
    names = [each.name for each in found]
    return CAUSE.finding(
        *(setting(case, name) for name in names),
        story=(
            f"{listed(names, 4)} {'are' if len(names) > 1 else 'is'} set in the environment.",
            *(f"{each.name} {each.effect}." for each in found),
        ),
        fix=Fix(command=f"env {' '.join(f'-u {name}' for name in names)} make", text=CAUSE.fix),
        confidence=Confidence.LOW,
        severity=Severity.NOTE,
    )


CAUSE: Cause = described(__name__, _diagnose)
