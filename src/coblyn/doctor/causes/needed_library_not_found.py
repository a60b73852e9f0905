"""A shared library in the link needs another one, which the linker does not find."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_FAILED = r"undefined reference|ld returned|linker command failed|\*\*\*"

CAUSE = log_cause(
    "needed-library-not-found",
    "A library of the link needs another one that the linker does not find",
    sign(
        r"(?:warning: )?(?P<name>lib[^\s,]{1,120}), needed by (?P<by>[^\s,]{1,300}), not found \(try using -rpath or "
        r"-rpath-link\)",
        "{by} needs {name}, and the linker does not find it: what {name} defines is missing.",
        also=_FAILED,
    ),
    sign(
        r"ld: (?:library|dylib|file) not found: (?P<name>@rpath/\S{1,200})(?:, )?(?: for "
        r"architecture|referenced from|needed by)?",
        "A library of the link needs {name}, and the linker does not find it.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="ld: warning: libggml-base.so.0, needed by build/bin/libllama.so, not found (try using -rpath or "
    "-rpath-link)",
    explanation="A shared library names those that it needs in turn. The linker looks for them in the run paths "
    "that the library holds and in the system's directories, not where -L points.",
    fix="Add -Wl,-rpath-link,<directory of the missing library> to the link (or -Wl,-rpath,... so that it is found at "
    "run time too), install both libraries in one directory of the system and run sudo ldconfig, or build with "
    "-DBUILD_SHARED_LIBS=OFF.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/16055",
        "https://github.com/ggml-org/llama.cpp/issues/16089",
    ),
    explains=(
        "undefined-symbol",
        "library-not-linked",
        "ggml-not-linked",
        "backend-not-linked",
        "shared-library-outdated",
    ),
)
