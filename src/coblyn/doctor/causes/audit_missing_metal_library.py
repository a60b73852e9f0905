"""A Metal backend without its shaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._audit import agree, audited, names_of, seen_each
from coblyn.doctor.finding import Confidence

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Say which library has Metal and no shaders."""
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


CAUSE = Cause(
    id="audit-missing-metal-library",
    title="Metal's shaders are missing",
    looks_like="ggml-metal.metal could not be opened; ggml_metal_init: error: could not use bundle path; the GPU is "
    "not used.",
    needs="A library with the Metal backend, without a section __ggml_metallib and without a shader file beside it.",
    explanation="The GPU's programs are compiled from a file that has to be found at run time, unless it was "
    "embedded into the library. Without it, Metal can not start, and everything runs on the CPU or fails.",
    fix="Build with -DGGML_METAL_EMBED_LIBRARY=ON, or copy default.metallib (or ggml-metal.metal) beside the "
    "library, or name its directory in GGML_METAL_PATH_RESOURCES.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/964",
        "https://github.com/LostRuins/koboldcpp/issues/744",
        "https://github.com/ggml-org/llama.cpp/issues/6975",
    ),
    diagnose=audited(find),
)
