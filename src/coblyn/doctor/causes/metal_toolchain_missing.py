"""Xcode 26 brings the Metal compiler as a download of its own."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "metal-toolchain-missing",
    "Xcode's Metal Toolchain has not been downloaded",
    sign(
        r"cannot execute tool '(?P<tool>[\w-]+)' due to missing Metal Toolchain",
        "Xcode is there, but {tool} is a part that has to be downloaded once.",
        command="xcodebuild -downloadComponent MetalToolchain",
    ),
    looks_like="error: cannot execute tool 'metal' due to missing Metal Toolchain; use: xcodebuild "
    "-downloadComponent MetalToolchain",
    explanation="Since Xcode 26 the compiler of Metal shaders is no part of Xcode's own download.",
    fix="Download the component, then build again.",
    links=("https://github.com/batonogov/pine/pull/806",),
    explains=("metal-compiler-missing",),
)
