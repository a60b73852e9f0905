"""ggml built for an accelerator, without the accelerator's objects in the link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import undefined
from coblyn.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_BACKEND = re.compile(
    r"(?:ggml_(?:backend_)?(cuda|cublas|cl|opencl|vk|vulkan|metal|hip|sycl|kompute|cann|rpc|musa|blas)_\w+"
    r"|ggml_(?:backend_is|init)_(cublas|cuda|metal|vk|hip|sycl)\w*|ggml_init_(cublas)|ggml_cl_(init)\w*)(?:\(|$)"
)
_NAMES = {
    "cublas": "CUDA", "cuda": "CUDA", "cl": "OpenCL", "opencl": "OpenCL", "vk": "Vulkan", "vulkan": "Vulkan",
    "metal": "Metal", "hip": "HIP", "init": "OpenCL",
}  # fmt: skip


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    of_it = [(each, match) for each in found if (match := _BACKEND.match(each.symbol))]
    if not of_it or not case.log or len(of_it) < 0.6 * len(found):
        return None
    which = next(group for group in of_it[0][1].groups() if group)
    name = _NAMES.get(which, which.upper())
    names = ", ".join(each.symbol for each, _ in of_it[:3])
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each, _ in of_it[:_EVIDENCE]),
        story=(
            f"{names} of ggml's {name} backend are asked for, and the backend is not in the link.",
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH if len(of_it) > 0.8 * len(found) else Confidence.MEDIUM,
    )


CAUSE: Cause = described(__name__, _diagnose)
