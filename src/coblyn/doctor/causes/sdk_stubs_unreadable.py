"""A linker that is older than the SDK of macOS whose stubs (.tbd files) it is to read."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_STORY = "The linker does not understand {path}, which lists what a library of macOS has."
_TBD = r"(?P<path>[^\s'\"]{1,300}\.tbd)"

CAUSE = log_cause(
    "sdk-stubs-unreadable",
    "The linker is older than the SDK of macOS",
    sign(
        rf"unsupported tapi file type '[^'\n]{{1,40}}' in YAML file '{_TBD}",
        _STORY,
    ),
    sign(
        rf"{_TBD}:\d+:\d+: error: (?:unknown (?:enumerated scalar|bit value|key|architecture|platform|target)"
        r"|invalid (?:platform|architecture|target))",
        _STORY,
        also=r"\bld\S{0,12}: |linker command failed|\.sdk/",
    ),
    sign(
        rf"unsupported file type: [^\n]{{0,200}}?{_TBD}",
        _STORY,
    ),
    sign(
        r"(?:could not|cannot|unable to|failed to) (?:read or )?(?:parse|load) (?:TBD|tbd) file:? ?"
        rf"[^\n]{{0,40}}?{_TBD}",
        _STORY,
    ),
    sign(
        rf"(?:malformed (?:tbd|TBD)(?: file)?|(?:tapi error|malformed file))[\s:,'`]{{1,8}}"
        rf"[^\n]{{0,40}}?{_TBD}",
        _STORY,
        also=r"\.sdk/",
    ),
    sign(
        rf"ignoring file {_TBD}, malformed file",
        _STORY,
        also=r"Undefined symbols|symbol\(s\) not found|linker command failed",
    ),
    sign(
        r"ld: unexpected token: (?P<path>!tapi-tbd\S{0,10}) file",
        "The linker does not know {path}, the form of the lists that the SDK of macOS has of its libraries.",
    ),
    sign(
        r"\btapi error\b|malformed (?:tbd|TBD)\b|could not parse (?:tbd|TBD) file|unsupported tapi file type",
        "The linker does not understand a list of what a library of macOS has (.tbd).",
        sure=Confidence.MEDIUM,
    ),
    looks_like="ld: unsupported tapi file type '!tapi-tbd' in YAML file '.../MacOSX.sdk/usr/lib/libSystem.tbd'; "
    "libSystem.tbd:4:20: error: unknown enumerated scalar",
    explanation="An SDK of macOS has no libraries but lists of what is in them (.tbd), whose form and names of "
    "processors grow with each Xcode. conda's linker (ld64 of cctools), osxcross's, or LLVM's of some years "
    "ago does not know those of a newer SDK.",
    fix="Link with the tools that came with the SDK: leave the conda environment (conda deactivate), or put /usr/bin "
    "first on PATH and set CC=/usr/bin/clang CXX=/usr/bin/clang++; or update the linker (conda update -c conda-forge "
    "ld64 cctools tapi); or name an older SDK with SDKROOT. Then build in a fresh build directory.",
    links=(
        "https://github.com/conda-forge/clangdev-feedstock/issues/166",
        "https://github.com/tpoechtrager/osxcross/issues/103",
        "https://github.com/tpoechtrager/cctools-port/issues/193",
    ),
    explains=(
        "undefined-symbol",
        "library-not-linked",
        "library-not-found",
        "cmake-compiler-broken",
        "conda-toolchain",
        "pip-build-failed",
    ),
)
