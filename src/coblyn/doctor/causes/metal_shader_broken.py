"""Shaders that this macOS's Metal can not compile."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "metal-shader-broken",
    "Metal can not compile the shaders of this version",
    sign(
        r"program_source:\d+:\d+: error: (?P<what>[^\n]{1,200})",
        "The driver compiled the shaders at the program's start, and failed: {what}",
        also=r"MTLLibraryErrorDomain",
    ),
    sign(
        r"Error Domain=MTLLibraryErrorDomain Code=(?P<code>\d+)",
        "The driver could not make a library of the shaders (code {code}).",
        sure=Confidence.MEDIUM,
        # ggml tries once what only the newest GPUs can do, and goes on without it.
        unless=r"mpp::tensor_ops|tensor API",
    ),
    sign(
        r"(?:load pipeline error|failed to (?:load|compile) pipeline)[^\n]{0,300}(?:Error Domain=|error)",
        "The driver of this GPU could not make a kernel of the shaders.",
        text="An Intel or AMD GPU, or an Apple GPU before the M1 (A12), lacks functions that the shaders call: "
        "build with -DGGML_METAL=OFF, or run with no layer on the GPU (-ngl 0, --gpulayers 0). On Apple silicon "
        "update macOS, or use another release of the program.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"Encountered unlowered function call to (?P<name>air\.\w[\w.]*)|AIR builtin function was called but no "
        r"definition was found",
        "The shaders call a function that this GPU does not have.",
        text="This GPU (Intel, AMD, or Apple's before the M1) can not run these shaders: build with "
        "-DGGML_METAL=OFF, or run with no layer on the GPU (-ngl 0, --gpulayers 0).",
    ),
    sign(
        r"error: invalid value '(?P<language>metal\d\.\d)' in '-std=metal",
        "The shaders are written in {language}, which this macOS (or this Xcode) does not know.",
    ),
    looks_like="Error Domain=MTLLibraryErrorDomain Code=3; program_source:1:1: error",
    explanation="Shaders are compiled by the driver of the macOS that runs, which knows the Metal language of its "
    "own age: shaders of a newer release of ggml may need a newer macOS, and a .metal file of another release than "
    "the program does not fit it.",
    fix="See that the .metal files are of the same release as the program (a clean build, embedded library); else "
    "update macOS, or use an older release.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/216",
        "https://github.com/ggml-org/llama.cpp/issues/11071",
    ),
)
