"""Variables in the environment that change every build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import setting
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


CAUSE = Cause(
    id="environment-settings",
    title="The environment changes how everything is built",
    looks_like="The same commands build on one machine, or in one terminal, and fail in another.",
    needs="A variable such as CC, CFLAGS, LDFLAGS, CMAKE_ARGS, SDKROOT, CPATH or CONDA_PREFIX that is set.",
    explanation="Compilers, make, CMake and pip read these variables without a word; one that was set for another "
    "project, by conda or by a shell's start-up file goes into this build as well.",
    fix="If the build fails, try it once without them.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1956",
        "https://github.com/LadybirdBrowser/ladybird/issues/4935",
    ),
    diagnose=_diagnose,
)
