"""A program for a newer macOS than the one that runs it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "macos-too-old",
    "The program needs a newer macOS",
    sign(
        r"Symbol not found: \(?(?P<name>_\w*\$NEWLAPACK(?:\$ILP64)?)\)?",
        "{name} is in the Accelerate framework since macOS 13.3, and the one that was loaded does not have it.",
        text="Update macOS to 13.3 or later, or build without it (-DGGML_ACCELERATE=OFF -DGGML_BLAS=OFF). On a newer "
        "macOS, unset DYLD_LIBRARY_PATH, which brings another BLAS in.",
    ),
    sign(
        r"[Ss]ymbol not found: \(?(?P<name>_[^\s)]{1,200})\)? Referenced from: [^\n]{1,300} Expected in: [^\n]{0,100}"
        r"/(?:usr/lib|System)/(?P<library>[^\s']{1,200})",
        "{name} is not in the {library} of this macOS.",
    ),
    sign(
        r"\(which was built for (?:macOS|Mac OS X) (?P<version>[\d.]+)\)",
        "The program was built for macOS {version}, and this one is older.",
        also=r"[Ss]ymbol not found|Library not loaded",
    ),
    looks_like="dyld: Symbol not found: _cblas_sgemm$NEWLAPACK$ILP64; Expected in: /System/Library/Frameworks/"
    "Accelerate.framework",
    explanation="A program that is built on a newer macOS may use what an older one does not have, unless it was built "
    "with a deployment target.",
    fix="Update macOS, or build the program on this machine (MACOSX_DEPLOYMENT_TARGET set to this macOS).",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/9973",
        "https://github.com/ggml-org/llama.cpp/issues/4440",
    ),
    explains=("shared-library-outdated", "llama-library-missing"),
)
