"""Metal gives the program no device, or no compiler of shaders."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "metal-no-device",
    "Metal gives the program no GPU",
    sign(
        r"ggml_metal\w*: error: could not create Metal device|ggml_metal_device_init: error: (?:no|failed)",
        "Metal has no device that the program can use.",
    ),
    sign(
        r"Domain=CompilerError Code=\d+ \"Compiler encountered XPC_ERROR",
        "The system's service that compiles shaders went away.",
        text="Restart the computer, close what uses much memory, and try again; do not start the program in a "
        "sandbox or by a service that has no access to the GPU.",
    ),
    sign(
        r"failed to (?:initialize|create) (?:the )?Metal (?:backend|device)|ggml_metal_init\(\) failed",
        "The program could not set Metal up; the line before says why, if there is one.",
        unless=r"program_source:|NSCocoaErrorDomain|load pipeline error|MTLLibraryErrorDomain",
        sure=Confidence.MEDIUM,
    ),
    looks_like="ggml_metal_init: error: could not create Metal device",
    explanation="There is a GPU for Metal on the Mac itself, not in a virtual machine or a container on it, and not "
    "for a process without a user's session. Macs of before 2012 have none at all.",
    fix="Run with no layer on the GPU (-ngl 0, --gpulayers 0), build with -DGGML_METAL=OFF, or run it on the "
    "Mac itself.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/744",
        "https://github.com/ggml-org/whisper.cpp/issues/1367",
    ),
)
