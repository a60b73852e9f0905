"""A command of CMake's that nobody has defined."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cmake-command-unknown",
    "The project calls a CMake command that is not defined",
    sign(
        r"Unknown CMake command \"(?P<name>[\w.-]{1,100})\"",
        "{name} is no command of this CMake, and no file that was read defines it.",
        sure=Confidence.MEDIUM,
    ),
    looks_like='Unknown CMake command "require_flag".',
    explanation="The module that defines it was not included: a part of the source tree is missing or of another "
    "release, a package that brings it is not installed, or the command came with a newer CMake.",
    fix="Look the command up: if it is one of CMake's own, install a newer CMake; else complete the source tree (git "
    "submodule update --init --recursive, or a clone in place of a package), or install what brings it.",
    links=("https://github.com/william-murray1204/stable-diffusion-cpp-python/issues/22",),
    explains=("pip-build-failed",),
)
