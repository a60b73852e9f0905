"""A build without room."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "disk-full",
    "The disk is full",
    sign(
        r"(?P<path>[^\s:'\"]{0,200})'?\"?:? ?No space left on device",
        "Nothing more can be written.",
        command="df -h . /tmp",
    ),
    sign(r"There is not enough space on the disk", "Nothing more can be written."),
    sign(r"Disk quota exceeded", "Your share of the disk is used up.", command="quota"),
    looks_like="No space left on device",
    explanation="The build directory's disk, or the one for temporary files (often a small /tmp in memory), is "
    "full. Other errors after that are only what follows.",
    fix="Free some space, or set TMPDIR to a directory on a larger disk; then build again in a fresh directory, "
    "since half-written objects are left.",
    links=("https://github.com/azerothcore/azerothcore-wotlk/issues/8931",),
    explains=(
        "pip-build-failed",
        "compiler-crash",
        "undefined-symbol",
        "assembler-too-old",
    ),
)
