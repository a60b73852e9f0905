"""Names of POSIX that strict C does not show."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NAME = (
    r"(?P<name>CLOCK_MONOTONIC(?:_RAW)?|CLOCK_REALTIME|M_PI(?:_2)?|MAP_ANONYMOUS|MADV_\w+|POSIX_MADV_\w+|"
    r"_SC_\w+|RLIMIT_MEMLOCK|CPU_(?:SET|ZERO|ISSET)|cpu_set_t|usleep|strdup|fileno|sigaction|getline)"
)

CAUSE = log_cause(
    "posix-names-hidden",
    "The flags hide a name that the system's headers have",
    sign(
        rf"error: '{_NAME}' (?:undeclared|was not declared)",
        "{name} is in the headers, but they do not show it to strict C.",
        also=r"-std=c(?:99|11|17|\+\+\d\d)\b|alpine|Alpine|FreeBSD|OpenBSD|musl",
        # Microsoft's headers have a switch of their own.
        unless=r"error C2065",
    ),
    sign(
        rf"error: use of undeclared identifier '{_NAME}'",
        "{name} is in the headers, but they do not show it to strict C.",
        also=r"-std=c(?:99|11|17|\+\+\d\d)\b|alpine|FreeBSD|OpenBSD|musl",
        unless=r"com\.termux|[Aa]ndroid",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: unknown type name '(?P<name>cpu_set_t|sigset_t|ssize_t|u_int|u_char|ulong)'",
        "{name} is in the headers, but they do not show it: _GNU_SOURCE is not defined.",
        unless=r"error C\d{4}",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: 'CLOCK_MONOTONIC' undeclared",
    explanation="With -std=c11 the headers show the names of the C standard alone; those of POSIX and of the system "
    "need a macro (or -std=gnu11). Which of them come along anyhow differs by C library and system.",
    fix="Build with CFLAGS='-D_GNU_SOURCE' and CXXFLAGS='-D_GNU_SOURCE' (BSD: -D__BSD_VISIBLE), or update the "
    "project.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/54",
        "https://github.com/ggml-org/whisper.cpp/issues/37",
    ),
)
