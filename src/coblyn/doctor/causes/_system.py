"""Detects the kind of system that wrote a log, as far as possible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["is_by_ndk", "system_of"]

# Names of the columns of `_package.PACKAGES`; the most reliable traces first.
_TRACES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("termux", re.compile(r"com\.termux")),
    (
        "winget",
        re.compile(r"\bMSVC 1\d|\bNMake Makefiles|Selecting Windows SDK|-win_amd64|\b[A-Z]:\\\w"),
    ),
    (
        "brew",
        re.compile(
            r"AppleClang|/opt/homebrew/|-macosx_\d|/Library/Developer/|^/Users/", re.MULTILINE
        ),
    ),
    ("apk", re.compile(r"alpine-linux|\bapk add|musl", re.IGNORECASE)),
    ("pacman", re.compile(r"\bpacman\b|/usr/lib/gcc/x86_64-pc-linux-gnu|Arch ?Linux")),
    ("zypper", re.compile(r"openSUSE|\(SUSE Linux\)|\bzypper\b|suse-linux", re.IGNORECASE)),
    (
        "dnf",
        re.compile(
            r"\(Red Hat \d|\bdnf\b|\byum\b|redhat-linux|Fedora|AlmaLinux|Rocky Linux|CentOS|\.el\d"
        ),
    ),
    (
        "apt",
        re.compile(r"Ubuntu|Debian|\bapt(?:-get)? |(?:x86_64|aarch64)-linux-gnu|/dist-packages/"),
    ),
)
_BY_OS = {"windows": "winget", "macos": "brew"}
_NDK = re.compile(
    r"--target=\w+-(?:none-)?linux-android|android\.toolchain\.cmake|/ndk/\d|linux-android\d+-clang"
)


def system_of(case: Case) -> str:
    """Name of the package manager of the system where the build ran; empty if unknown."""
    if case.machine and (known := _BY_OS.get(case.machine["os"])):
        return known
    text = case.log.text if case.log else ""
    return next((name for name, trace in _TRACES if trace.search(text)), "")


def is_by_ndk(case: Case) -> bool:
    """Whether a log shows Android's NDK, whose builds use no libraries of the host system."""
    return case.log is not None and bool(case.log.find(_NDK))
