"""Options for an accelerator that the project does not know: they do nothing."""

from __future__ import annotations

from coblyn.doctor.causes._cmake import option_unknown
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Severity

_ACCELERATOR = (
    r"(?:CUDA|CUBLAS|METAL|VULKAN|HIP|HIPBLAS|SYCL|OPENCL|CLBLAST|BLAS|OPENBLAS|"
    r"KOMPUTE|MUSA|CANN|RPC)"
)

CAUSE = log_cause(
    "cmake-option-unused",
    "An accelerator was asked for by a name that this project does not know",
    sign(
        r"Manually-specified variables were not used by the project:(?: [A-Z]\w+){0,20}? "
        r"(?P<option>(?:LLAMA|GGML|WHISPER|"
        r"USE|WITH|ENABLE)_" + _ACCELERATOR + r")\b",
        "{option} was set, and nothing in the project reads it: the build went on without that "
        "accelerator.",
        severity=Severity.RISK,
    ),
    looks_like="Manually-specified variables were not used by the project: LLAMA_CUBLAS",
    explanation="CMake takes any -D option and only warns about those that no one asks for. The result is a build "
    "that runs on the CPU and looks like a success.",
    fix="Use the name that this version of the project knows; for llama.cpp since mid-2024 that is GGML_CUDA, "
    "GGML_METAL, GGML_VULKAN or GGML_HIP, before that LLAMA_CUBLAS, LLAMA_METAL and so on.",
    links=(
        "https://github.com/llnl/RAJAPerf/issues/112",
        "https://github.com/abetlen/llama-cpp-python/issues/1693",
    ),
)

CAUSE = also(CAUSE, lambda case: option_unknown(CAUSE, case))
