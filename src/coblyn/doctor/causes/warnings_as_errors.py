"""Warnings of a newer compiler, which the project's flags turn into errors."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "warnings-as-errors",
    "A warning stops the build",
    sign(
        r"error: (?P<what>[^\n]{1,200}) \[-Werror[=,](?P<name>[\w+=,-]{1,60})\]",
        "The compiler warns ({what}), and the flags turn that into an error.",
        text="Add -Wno-error={name} to CFLAGS and CXXFLAGS, or take -Werror away.",
        sure=Confidence.MEDIUM,
        unless=r"\[-Werror=(?:implicit-function-declaration|implicit-int|int-conversion|incompatible-pointer-types)\]",
    ),
    sign(
        r"(?P<name>cc1plus|cc1): (?:all|some) warnings being treated as errors",
        "The flags turn warnings into errors.",
        sure=Confidence.MEDIUM,
        unless=r"\[-Werror=(?:implicit-function-declaration|implicit-int|int-conversion|incompatible-pointer-types)\]",
    ),
    sign(
        r"error C2220: the following warning is treated as an error|error C2220: warning treated as error",
        "The flags turn warnings into errors.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: ... [-Werror=...]; cc1plus: all warnings being treated as errors",
    explanation="-Werror makes every new warning of a newer compiler a failure, though the code is as it was.",
    fix="Build without -Werror (-DLLAMA_FATAL_WARNINGS=OFF, -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF, "
    "--disable-werror), or with CFLAGS=-Wno-error.",
    links=(
        "https://github.com/grpc/grpc/issues/20953",
        "https://github.com/ggml-org/llama.cpp/pull/3952",
    ),
)
