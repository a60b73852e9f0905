"""A virus scanner took a file away."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "antivirus",
    "A virus scanner took a file of the build away",
    sign(r"Operation did not complete successfully because the file contains a virus"),
    sign(r"WinError 225"),
    sign(
        r"An Application Control policy has blocked this file|WinError 4551",
        "A policy of this Windows blocks the file.",
        text="Ask whoever administers the machine, or turn off Smart App Control.",
    ),
    looks_like="Operation did not complete successfully because the file contains a virus or "
    "potentially unwanted software.",
    explanation="Freshly built, unsigned programs (and the test programs of configure checks) often look suspicious "
    "to a scanner. It takes the file away and the build fails at a place that has nothing to do with it.",
    fix="Exclude the build directory in the scanner (Windows Security, Virus & threat "
    "protection, Exclusions), and build again.",
    links=(
        "https://github.com/microsoft/vcpkg/issues/21842",
        "https://github.com/glfw/glfw/issues/1685",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
        "dll-load-failed",
    ),
)
