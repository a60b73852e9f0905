"""A library that was built on a newer system than the one that links it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "glibc-newer-at-link",
    "A library in the link was built on a newer system",
    sign(
        r"undefined reference to [`']?(?P<name>__isoc23_\w{1,40}|\w{1,60}@GLIBC_(?P<version>[\d.]+))'?",
        "A library asks for {name}, which the C library here does not have.",
    ),
    sign(
        r"undefined symbol: (?P<name>__isoc23_\w{1,40})",
        "A library asks for {name}, which the C library here does not have.",
    ),
    sign(
        r"undefined reference to [`'](?P<name>[^'\n]{1,200}@(?:GLIBCXX|CXXABI)_(?P<version>[\d.]+))'",
        "A library asks for {name}, which the C++ library here does not have.",
    ),
    looks_like="undefined reference to `__isoc23_strtol'; undefined reference to `pow@GLIBC_2.29'",
    explanation="A library that was compiled on a newer distribution asks for functions of its newer C or C++ library; "
    "conda's compiler brings an older one than the system's libraries expect.",
    fix="Build that library on this system too (or take its package of this distribution), and do not mix conda's "
    "compiler with the system's libraries.",
    links=(
        "https://github.com/genodelabs/genode/issues/5720",
        "https://github.com/denoland/rusty_v8/issues/1655",
    ),
    explains=("undefined-symbol", "library-not-linked"),
)
