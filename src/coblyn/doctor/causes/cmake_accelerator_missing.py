"""An accelerator that is asked for, and whose tools CMake did not find."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import accelerator_missing

CAUSE: Cause = Cause(
    id="cmake-accelerator-missing",
    title="An accelerator is asked for, and CMake did not find its tools",
    looks_like="GGML_VULKAN=ON, and Vulkan_GLSLC_EXECUTABLE-NOTFOUND in the cache; the same for CUDA, HIP and Metal.",
    needs="An option of an accelerator that is on in CMakeCache.txt, and an entry that it needs with NOTFOUND.",
    explanation="What CMake once did not find stays so in the cache: installing it afterwards changes nothing until "
    "the cache is made again.",
    fix="Install what is missing, then configure from nothing: cmake --fresh with the options of before.",
    links=(
        "https://github.com/nomic-ai/gpt4all/issues/1630",
        "https://github.com/ggml-org/llama.cpp/issues/8488",
    ),
    diagnose=lambda case: accelerator_missing(CAUSE, case),
    explains=("cmake-unfinished",),
)
