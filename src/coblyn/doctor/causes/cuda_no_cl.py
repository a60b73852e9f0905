"""nvcc on Windows without Microsoft's compiler."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-no-cl",
    "nvcc finds no Microsoft compiler (cl.exe)",
    sign(
        r"nvcc fatal ?: Cannot find compiler 'cl\.exe' in PATH",
        "nvcc was started where cl.exe is not on PATH.",
    ),
    sign(
        r"nvcc fatal ?: Host compiler targets unsupported OS",
        "nvcc was given gcc of MinGW for its host half; on Windows it takes Microsoft's compiler "
        "only.",
        also=r"(?i)mingw|msys|w64devkit|g\+\+\.exe|gcc\.exe|\bclang",
    ),
    sign(
        r"nvcc fatal ?: Host compiler targets unsupported OS",
        "nvcc does not know the host compiler that it was given: gcc or clang in place of Microsoft's, or a Visual "
        "Studio that is much newer or older than this CUDA.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"nvcc fatal ?: Could not set up the environment for Microsoft Visual Studio using '(?P<file>[^'\n]{1,300})'",
        "nvcc runs {file} to prepare Visual Studio's compiler, and that fails.",
        text="Build in the x64 Native Tools prompt of Visual Studio; repair its installation if the file is not "
        "there, and shorten PATH if it is longer than a command line may be.",
    ),
    sign(
        r"nvcc fatal ?: nvcc cannot find a supported version of Microsoft Visual Studio",
        "nvcc finds no Visual Studio of a version that it takes.",
        text="Install a Visual Studio that this CUDA takes, with its C++ workload, and build in "
        "its x64 Native Tools prompt.",
    ),
    sign(
        r"nvcc fatal ?: Microsoft Visual Studio configuration file '[^'\n]{1,200}' could not be "
        r"found"
    ),
    looks_like="nvcc fatal   : Cannot find compiler 'cl.exe' in PATH",
    explanation="On Windows nvcc works with Microsoft's C++ compiler alone, and looks for it on PATH, which only a "
    "developer prompt sets. MinGW and clang can not stand in.",
    fix="Install Visual Studio's C++ workload, and build in its “x64 Native Tools Command "
    "Prompt”, in a fresh build directory.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/721",),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
