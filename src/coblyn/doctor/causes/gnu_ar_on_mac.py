"""Libraries made by GNU ar, which Apple's linker does not read."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_FAILED = r"Undefined symbols|symbol\(s\) not found|linker command failed"

_STORY = "{file} is an archive in the format of GNU's ar, and Apple's linker passes over it."

CAUSE = log_cause(
    "gnu-ar-on-mac",
    "A static library was made by GNU's ar, not by Apple's",
    sign(
        r"ignoring file (?P<file>[^\s,]{1,300}\.a), building for [^\n]{1,60}file built for unknown-unsupported file "
        r"format \( 0x21 0x3C",
        _STORY,
        also=_FAILED,
    ),
    sign(
        r"(?P<file>[^\s,]{1,300}\.a), file was built for archive which is not the architecture being linked",
        _STORY,
        also=_FAILED,
    ),
    sign(
        r"archive member '/' not a mach-o file in '(?P<file>[^'\n]{1,300})'",
        "{file} is an archive in the format of GNU's ar.",
    ),
    sign(
        r"ld: [^\n]{0,300}archive has no table of contents",
        "The library has no table of contents, as Apple's ranlib would have written it.",
    ),
    looks_like="ld: warning: ignoring file libx.a, building for macOS-arm64 but attempting to link with file built for "
    "unknown-unsupported file format ( 0x21 0x3C ...",
    explanation="Homebrew's binutils, conda or coreutils put a GNU ar before Apple's on PATH. Its archives look whole, "
    "but Apple's linker skips them, so that all they define is missing.",
    fix="Take binutils off PATH (brew unlink binutils), or build with AR=/usr/bin/ar RANLIB=/usr/bin/ranlib, after a "
    "make clean.",
    links=(
        "https://github.com/openwall/john/issues/3687",
        "https://github.com/riscv-collab/riscv-gnu-toolchain/issues/911",
        "https://github.com/libarchive/libarchive/issues/1353",
    ),
    explains=(
        "undefined-symbol",
        "wrong-architecture",
        "library-not-linked",
        "stale-objects",
        "backend-not-linked",
        "ggml-not-linked",
    ),
)
