"""CUDA and Visual Studio do not know of each other."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-no-vs-integration",
    "Visual Studio does not know of CUDA",
    sign(
        r"No CUDA toolset found", "CMake finds CUDA, but Visual Studio has no build rules for it."
    ),
    sign(
        r"MSB4019: The imported project \"[^\"\n]{0,300}CUDA (?P<version>[\d.]+)\.props\" was "
        r"not found",
        "The project asks for Visual Studio's build rules of CUDA {version}, and they are not "
        "there.",
    ),
    sign(
        r"The CUDA Toolkit (?P<version>v?[\d.]*) ?directory '[^'\n]{0,200}' does not exist",
        "Visual Studio's rules for CUDA look for the toolkit {version} where it is not.",
        text="Set CUDA_PATH (and CudaToolkitDir) to the toolkit's directory, open a new terminal, and configure in "
        "a fresh build directory.",
    ),
    sign(
        r"The CUDA compiler identification is unknown",
        "CMake finds an nvcc, and can not make it say what it is, so that all that it would ask it is missing too.",
        also=r"Building for: Visual Studio|-G \"?Visual Studio|Selecting Windows SDK",
        unless=r"nvcc fatal|host_config\.h|STL1002|\.cu\(\d+\): error",
        sure=Confidence.MEDIUM,
    ),
    looks_like="CMakeDetermineCompilerId.cmake (message):  No CUDA toolset found.",
    explanation="CUDA's installer puts build rules into the Visual Studio that is there when it runs. One that was "
    "installed or updated later, the Build Tools alone, or a setup without the component “Visual Studio "
    "Integration” has none.",
    fix="Run CUDA's installer again with “Visual Studio Integration” (custom installation), or "
    r"copy the files from CUDA\vX.Y\extras\visual_studio_integration\MSBuildExtensions to "
    r"MSBuild\Microsoft\VC\v170\BuildCustomizations. "
    "Or go around Visual Studio's rules: -G Ninja in the x64 Native Tools prompt.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/9144",
        "https://github.com/abetlen/llama-cpp-python/issues/1917",
        "https://github.com/abetlen/llama-cpp-python/issues/247",
        "https://github.com/NVlabs/instant-ngp/issues/108",
    ),
    explains=(
        "cuda-toolkit-missing",
        "cuda-arch-unknown",
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
