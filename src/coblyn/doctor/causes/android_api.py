"""Building on or for Android, against an old level of its interface."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_ANDROID = r"com\.termux|[Aa]ndroid|ndk"

CAUSE = log_cause(
    "android-api",
    "Android's C library lacks a function at this level",
    sign(
        r"use of undeclared identifier '(?P<name>posix_madvise|POSIX_MADV_\w+)'",
        "{name} came with Android's level 23, and this build is for an older one.",
        text="Build for level 28 or later (-DANDROID_PLATFORM=android-28); in Termux, use a "
        "release that does without.",
    ),
    sign(
        r"fatal error: '?spawn\.h'? ?(?:file not found|: No such file)",
        "Termux keeps spawn.h in a package of its own.",
        package="spawn",
        also=_ANDROID,
    ),
    sign(
        r"fatal error: '?spawn\.h'? ?(?:file not found|: No such file)",
        "spawn.h is not found; of the systems in use, Termux keeps it in a package of its own.",
        command="pkg install libandroid-spawn",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"(?:undeclared (?:identifier|function)|undefined symbol:) '?(?P<name>posix_spawn\w*|aligned_alloc"
        r"|pthread_setaffinity_np|getloadavg|preadv|pwritev|memfd_create|timespec_get|pthread_cancel|glob|globfree"
        r"|getrandom|nl_langinfo|mblen)'?",
        "{name} is not in Android's C library at this level.",
        also=_ANDROID,
    ),
    looks_like="error: use of undeclared identifier 'posix_madvise'; fatal error: 'spawn.h' file "
    "not found",
    explanation="Android's C library gained functions with each level; the NDK hides those above the level that is "
    "built for, and Termux builds for 24.",
    fix="Build for a higher level: -DANDROID_PLATFORM=android-28; in Termux, update everything "
    "(pkg upgrade).",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/1671",
        "https://github.com/ggml-org/llama.cpp/issues/18615",
        "https://github.com/abetlen/llama-cpp-python/issues/1284",
        "https://github.com/ggml-org/llama.cpp/pull/21812",
    ),
    explains=(
        "pip-build-failed",
        "header-missing",
    ),
)
