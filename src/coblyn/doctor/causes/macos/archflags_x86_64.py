"""Intel flags in the environment of an Apple silicon machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import setting
from coblyn.doctor.causes._machine import is_apple_silicon
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Fix, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]

_NAMES = (
    "ARCHFLAGS",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "CMAKE_ARGS",
    "CMAKE_OSX_ARCHITECTURES",
    "CC",
    "CXX",
)
_INTEL = re.compile(r"-arch[ =]x86_64|CMAKE_OSX_ARCHITECTURES(?::\w+)?=x86_64\b(?!;)|^x86_64$")


def _diagnose(case: Case) -> Finding | None:
    if case.machine is None or not is_apple_silicon(case.machine):
        return None
    found = [
        name
        for name in _NAMES
        # Both architectures together produce a universal library, which is fine.
        if _INTEL.search(case.environ.get(name, "")) and "arm64" not in case.environ[name]
    ]
    if not found:
        return None
    return CAUSE.finding(
        *(setting(case, name) for name in found),
        fix=Fix(command=f"unset {' '.join(found)}", text=CAUSE.fix),
        severity=Severity.RISK,
    )


CAUSE: Cause = described(__name__, _diagnose)
