"""Objects that an interrupted build left half-written."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "object-broken",
    "An object or library is broken",
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,300}): file not recogni[sz]ed: (?:[Ff]ile (?:truncated|format not recognized"
        r"|is empty)|file is empty)",
        "{file} is no whole object.",
        # An object of link-time optimization looks so to a linker without the plug-in.
        unless=r"-flto|plugin needed",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,300}): error adding symbols: (?:[Mm]alformed archive|[Aa]rchive has no index"
        r"|[Ff]ile truncated)",
        "{file} is no whole library.",
    ),
    sign(
        r"ld: (?:in '(?P<file>[^'\n]{1,300})', )?(?:file too small|truncated or malformed|unknown file type|file "
        r"is empty)",
        "{file} is no whole object.",
    ),
    sign(
        r"error: (?P<file>[^\s:]{1,300}): (?:unknown file type|not an ELF file|truncated or malformed|file is "
        r"too short)",
        "{file} is no whole object.",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,300}) : fatal error LNK1136: invalid or corrupt file",
        "{file} is no whole object.",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,300}) : fatal error LNK1107: invalid or corrupt file",
        "{file} is no whole object.",
    ),
    looks_like="ggml.o: file not recognized: File truncated",
    explanation="A build that was interrupted (Ctrl-C, full disk, a crash) leaves objects half-written, and make "
    "takes them for finished. A Git LFS pointer in place of a library looks the same.",
    fix="Clear what was built and build again: make clean, or a new build directory.",
    links=(
        "https://github.com/ArduPilot/apm_planner/issues/1184",
        "https://github.com/pmem/issues/issues/217",
    ),
    explains=("undefined-symbol",),
)
