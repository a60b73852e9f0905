"""Build options that were renamed, so that the old name does nothing or stops the build."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Severity

CAUSE = log_cause(
    "cmake-option-renamed",
    "A build option has another name now",
    sign(
        r"CMake Error at [^\n]{0,200}\(message\): (?P<old>LLAMA_\w+|GGML_\w+) is deprecated and will be removed in "
        r"the future\. Use (?P<new>\w+) instead",
        "{old} is called {new} now; the build stops so that nobody gets a build without it "
        "unawares.",
        command="cmake --fresh -B build -D{new}=ON",
    ),
    sign(
        r"(?P<old>LLAMA_\w+|GGML_\w+) is deprecated and will be removed in the future\. Use "
        r"(?P<new>\w+) instead",
        "{old} is called {new} now.",
        command="cmake --fresh -B build -D{new}=ON",
        severity=Severity.NOTE,
        unless=r"CMake Error at [^\n]{0,200}\(message\): (?:LLAMA|GGML)_\w+ is deprecated",
    ),
    looks_like="LLAMA_CUBLAS is deprecated and will be removed in the future. Use GGML_CUDA instead",
    explanation="llama.cpp moved its options from LLAMA_ to GGML_ in 2024: LLAMA_CUBLAS and LLAMA_CUDA became "
    "GGML_CUDA, LLAMA_METAL became GGML_METAL, LLAMA_HIPBLAS became GGML_HIP, and so on. Guides on the web still "
    "name the old ones.",
    fix="Use the new name, in a fresh build directory: the cache remembers the old one.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1693",
        "https://github.com/abetlen/llama-cpp-python/issues/1639",
    ),
    explains=("pip-build-failed",),
)
