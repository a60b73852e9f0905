"""A CMake cache in the source directory itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.finding import Confidence, Evidence, Fix, Severity, Step, StepKind

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    tree = case.tree
    if tree is None or "CMakeLists.txt" not in tree.files.entries:
        return None
    here = next((cache for cache in tree.caches if cache.name == "CMakeCache.txt"), None)
    if here is None or not here.is_in_place or tree.git.says("CMakeCache.txt") == "tracked":
        return None
    others = [cache.name for cache in tree.caches if cache is not here]
    return CAUSE.finding(
        Evidence("CMakeCache.txt", 0, "lies beside CMakeLists.txt"),
        *(
            Evidence(shown(name), 0, "is the cache of another build directory")
            for name in others[:2]
        ),
        story=(
            "CMake was once run in the source directory itself and left CMakeCache.txt there.",
            CAUSE.explanation,
        ),
        fix=Fix(
            command="rm -r CMakeCache.txt CMakeFiles && cmake -B build",
            text=CAUSE.fix,
            steps=tuple(
                Step(StepKind.CLEAR, tree.root / name, "was made by CMake in the source directory")
                for name in ("CMakeCache.txt", "CMakeFiles")
                if name in tree.files.folders.get("", ())
            ),
        ),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK if others else Severity.NOTE,
    )


CAUSE: Cause = described(__name__, _diagnose)
