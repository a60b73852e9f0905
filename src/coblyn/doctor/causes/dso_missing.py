"""A shared library that is used, but only through another one that is named."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "dso-missing",
    "A library is used that the link command does not name",
    sign(
        r"(?P<file>[^\s:]{1,300}): error adding symbols: DSO missing from command line",
        "{file} is used, and only comes along because another library needs it.",
    ),
    sign(
        r"undefined reference to symbol '(?P<name>[^'\n]{1,200})'\n[^\n]{0,200}: could not read "
        r"symbols",
        "{name} is in a library that the link command does not name.",
    ),
    looks_like="undefined reference to symbol 'ggml_backend_reg_name'; libggml-base.so: error adding symbols: DSO "
    "missing from command line",
    explanation="The linker takes symbols only from libraries that are named, not from those that these depend on.",
    fix="Name that library too: -l<name> after the objects (CMake: add it to "
    "target_link_libraries).",
    links=("https://github.com/ggml-org/llama.cpp/issues/16055",),
    explains=(
        "library-not-linked",
        "undefined-symbol",
        "stale-objects",
        "backend-not-linked",
        "ggml-not-linked",
    ),
)
