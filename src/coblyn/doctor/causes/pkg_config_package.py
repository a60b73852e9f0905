"""A library that pkg-config does not know."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_FAILED = r"configure: error|CMake Error|error: failed to run custom build command|\*\*\* |ERROR: |Error \d|error: "
_WAY = "If it is installed already, let PKG_CONFIG_PATH lead to the directory of its .pc file."

CAUSE = log_cause(
    "pkg-config-package",
    "A library's development package is not installed (pkg-config)",
    sign(
        r"The system library `(?P<name>[\w.+-]{1,80})` required by crate `(?P<crate>[\w-]{1,80})` was not found",
        "The crate {crate} asks pkg-config for {name}, which does not know it.",
        package="{name}",
        text=_WAY,
    ),
    sign(
        r"(?:No package '(?P<name>[\w.+-]{1,80})' found|Package '?(?P<other>[\w.+-]{1,80})'?,? (?:required by "
        r"'[^'\n]{1,80}', not found|was not found in the pkg-config search path))",
        "pkg-config does not know {name}{other}.",
        package="{name}{other}",
        text=_WAY,
        also=_FAILED,
        sure=Confidence.MEDIUM,
    ),
    looks_like="The system library `openssl` required by crate `openssl-sys` was not found.; No package "
    "'openblas' found",
    explanation="pkg-config knows a library by a small file, name.pc, that comes with its development package, not "
    "with the library that programs need to run.",
    fix="Install the development package of that library (apt: name-dev, dnf: name-devel).",
    links=("https://github.com/ggml-org/llama.cpp/issues/4162",),
    explains=("pip-build-failed",),
)
