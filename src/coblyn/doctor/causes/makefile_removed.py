"""A project that was built with make, and is built with CMake now."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "makefile-removed",
    "The project is no longer built with make",
    sign(
        r"\*\*\* Build system changed: The Makefile build has been replaced by CMake",
        command="cmake -B build && cmake --build build --config Release",
    ),
    sign(
        r"\*\*\* The Makefile build is deprecated\. Use the CMake build instead",
        command="cmake -B build && cmake --build build --config Release",
    ),
    looks_like="Makefile:6: *** Build system changed: The Makefile build has been replaced by CMake.",
    explanation="llama.cpp took its Makefile out of service at the end of 2024; what is left only says so. Options "
    "have other names with CMake: LLAMA_CUBLAS=1 is -DGGML_CUDA=ON, LLAMA_METAL=1 is -DGGML_METAL=ON.",
    fix="Build with CMake; the programs are then in build/bin.",
    links=(
        "https://github.com/ggml-org/llama.cpp/pull/15449",
        "https://github.com/ggml-org/llama.cpp/issues/11091",
        "https://github.com/ggml-org/llama.cpp/pull/10514",
    ),
    explains=("no-rule-to-make",),
)
