"""An Intel Python, conda or CMake on Apple silicon."""

from __future__ import annotations

from coblyn.doctor.causes._machine import translated_python
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence, Severity

_ARM = (
    'CMAKE_ARGS="-DCMAKE_OSX_ARCHITECTURES=arm64 -DGGML_METAL=on" pip install --no-cache-dir '
    "--force-reinstall llama-cpp-python"
)

_CMAKE = "arch -arm64 cmake --fresh -B build -DCMAKE_OSX_ARCHITECTURES=arm64"
_BROKEN = (
    r"incompatible architecture|found architecture 'x86_64'|for architecture arm64|unknown "
    r"target CPU"
)

CAUSE = log_cause(
    "rosetta-python",
    "An Intel Python or CMake is at work on Apple silicon",
    sign(
        r"Your arch is announced as x86_64, but it seems to actually be ARM64",
        "CMake itself runs as an Intel program on an Apple silicon machine.",
        command=_CMAKE,
        also=_BROKEN,
    ),
    sign(
        r"Your arch is announced as x86_64, but it seems to actually be ARM64",
        "CMake itself runs as an Intel program on an Apple silicon machine.",
        command=_CMAKE,
        severity=Severity.RISK,
        unless=_BROKEN,
    ),
    sign(
        r"UNAME_M: arm64",
        "The machine is Apple silicon, and the compiler was told to build for Intel.",
        command="arch -arm64 zsh",
        also=r"-target x86_64-apple|Target: x86_64-apple",
        sure=Confidence.MEDIUM,
        severity=Severity.RISK,
    ),
    sign(
        r"x86_64-apple-darwin1[37]\.\d\.\d-clang",
        "conda's Intel compiler is at work.",
        text="Make the environment with conda for Apple silicon: CONDA_SUBDIR=osx-arm64 conda "
        "create ….",
        also=r"-macosx_\d+_\d+_arm64|arm64-apple|osx-arm64|have 'x86_64'|CMAKE_OSX_ARCHITECTURES[=:]arm64"
        r"|/opt/homebrew/",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"-- CMAKE_SYSTEM_PROCESSOR: x86_64",
        "CMake took the machine for an Intel one, although it is Apple silicon.",
        command=_ARM,
        also=r"/opt/homebrew/|macosx_\d+_\d+_arm64|Apple M\d",
        unless=r"CMAKE_OSX_ARCHITECTURES[=:]x86_64|GNU \d|-linux-gnu",
        sure=Confidence.MEDIUM,
        severity=Severity.RISK,
    ),
    looks_like="Your arch is announced as x86_64, but it seems to actually be ARM64",
    explanation="macOS runs Intel programs without a word, and each one takes the machine for an Intel one: what it "
    "builds is for Intel, without Metal's speed, or can not be loaded.",
    fix="See that python3 -c 'import platform; print(platform.machine())' says arm64, and cmake "
    "too; then build again, past pip's cache.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/724",
        "https://github.com/abetlen/llama-cpp-python/issues/291",
        "https://github.com/abetlen/llama-cpp-python/issues/847",
        "https://github.com/RWKV/rwkv.cpp/issues/59",
    ),
    explains=(
        "pip-build-failed",
        "llama-library-missing",
        "wrong-architecture",
    ),
)

CAUSE = also(CAUSE, lambda case: translated_python(CAUSE, case))
