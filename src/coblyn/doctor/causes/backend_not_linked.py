"""ggml built for an accelerator, without the accelerator's objects in the link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
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


CAUSE = Cause(
    id="backend-not-linked",
    title="Objects ask for an accelerator whose backend is not in the link",
    looks_like="Undefined symbols ggml_cuda_..., ggml_metal_..., ggml_vk_...",
    needs="Undefined symbols of one of ggml's backends, and hardly any other.",
    explanation="Some objects were compiled with the accelerator switched on, others, or the list of what is linked, "
    "without: objects of an earlier build with other options, or a target that lists ggml's files itself.",
    fix="Clear what was built (`make clean`, or a new build directory) and build everything with the same options; a "
    "target of your own links the library ggml, not single files of it.",
    links=(
        "https://github.com/ggml-org/whisper.cpp/issues/1659",
        "https://github.com/ggml-org/llama.cpp/issues/8211",
    ),
    diagnose=_diagnose,
    explains=("undefined-symbol", "stale-objects", "ggml-not-linked"),
)
