"""The compiler of Metal shaders, which only full Xcode has."""

from __future__ import annotations

from coblyn.doctor.causes._machine import no_metal_compiler
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also

_XCODE = "sudo xcode-select --switch /Applications/Xcode.app/Contents/Developer"

CAUSE = log_cause(
    "metal-compiler-missing",
    "There is no Metal compiler: full Xcode is not in use",
    sign(
        r"xcrun: error: unable to find utility \"(?P<tool>metal|metallib|metal-[\w-]+|air-\w+)\"",
        "The build compiles Metal shaders with {tool}, which the developer tools in use do not "
        "have.",
        command=_XCODE,
    ),
    sign(
        r"xcode-select: error: tool '(?P<tool>[\w-]+)' requires Xcode, but active developer "
        r"directory",
        "The build runs {tool}, which the command line tools alone do not have.",
        command=_XCODE,
    ),
    looks_like='xcrun: error: unable to find utility "metal", not a developer tool or in PATH',
    explanation="The command line tools bring clang, but not the compiler of Metal shaders; that comes with full "
    "Xcode. Where Xcode is installed, xcode-select may still point to the command line tools.",
    fix="Install Xcode and switch to it; or build so that no shader is compiled ahead: llama.cpp and ggml do that "
    "by default (GGML_METAL_EMBED_LIBRARY=ON), KoboldCPP always.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/6946",
        "https://github.com/gfx-rs/gfx/issues/2309",
    ),
)

CAUSE = also(CAUSE, lambda case: no_metal_compiler(CAUSE, case))
