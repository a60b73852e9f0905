"""A MinGW without C++ threads."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_WINDOWS = r"mingw|MinGW|w64-|win32|_WIN32|\.obj\b|[A-Z]:[\\/]"

CAUSE = log_cause(
    "mingw-threads",
    "This MinGW has no C++ threads",
    sign(
        r"error: '(?P<name>thread|mutex|condition_variable|recursive_mutex|shared_mutex|future|async|this_thread)' "
        r"(?:is not a member of 'std'|in namespace 'std' does not name a (?:template )?type)",
        "std::{name} is not there.",
        also=_WINDOWS,
    ),
    sign(
        r"error: 'std::(?P<name>this_thread|mutex|thread)' has not been declared",
        "std::{name} is not there.",
        also=_WINDOWS,
    ),
    looks_like="error: 'mutex' in namespace 'std' does not name a type",
    explanation="MinGW comes in two kinds: with the thread model “win32” older releases have no std::thread and "
    "std::mutex; with “posix” they have.",
    fix="Use a mingw-w64 with posix threads (w64devkit, MSYS2); on Debian and Ubuntu choose it with "
    "update-alternatives --set x86_64-w64-mingw32-g++ /usr/bin/x86_64-w64-mingw32-g++-posix.",
    links=("https://github.com/arvidn/libtorrent/issues/5330",),
    explains=("pip-build-failed",),
)
