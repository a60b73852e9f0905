"""Flags for Intel in the environment of an Apple silicon machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import setting
from coblyn.doctor.causes._machine import is_apple_silicon
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
        # Both architectures together make a universal library, which is fine.
        if _INTEL.search(case.environ.get(name, "")) and "arm64" not in case.environ[name]
    ]
    if not found:
        return None
    return CAUSE.finding(
        *(setting(case, name) for name in found),
        fix=Fix(command=f"unset {' '.join(found)}", text=CAUSE.fix),
        severity=Severity.RISK,
    )


CAUSE = Cause(
    id="archflags-x86-64",
    title="The environment asks for Intel code on Apple silicon",
    looks_like="Undefined symbols for architecture x86_64, or a library that Python can not load: incompatible "
    "architecture (have 'x86_64', need 'arm64').",
    needs="ARCHFLAGS, CFLAGS, LDFLAGS, CMAKE_ARGS or CMAKE_OSX_ARCHITECTURES with x86_64 and without arm64, on a Mac "
    "with Apple's processor.",
    explanation="Flags for Intel in the environment go into every build: parts that honour them are for Intel, the "
    "rest is for arm64, and the two can not be linked or loaded together.",
    fix="Take these variables away, and build again in a fresh build directory.",
    links=(
        "https://github.com/PrismML-Eng/Bonsai-Image-Demo/pull/9",
        "https://github.com/abetlen/llama-cpp-python/issues/724",
    ),
    diagnose=_diagnose,
)
