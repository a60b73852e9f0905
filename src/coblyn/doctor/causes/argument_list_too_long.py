"""A command that is longer than the system allows."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "argument-list-too-long",
    "A command of the build is longer than the system allows",
    sign(
        r"(?:^|[ /])(?P<who>(?:\w*make(?:\.exe)?(?:\[\d+\])?|collect2(?:\.exe)?|ninja|libtool)): (?:fatal error: )?"
        r"(?:execvp|posix_spawnp?|vfork|CreateProcess)?:? ?"
        r"[^\n]{0,120}?(?:Argument list too long|argument lists? (?:is|are) too long|environment lists are too long)",
        "{who} could not start a program: its words, and the environment, are too long together.",
    ),
    sign(
        r"[Aa]rgument list too long",
        "A program could not be started: its words, and the environment, are too long together.",
        also=r"\*\*\*|Error 1\d\d|FAILED: |failed with exit",
        sure=Confidence.MEDIUM,
    ),
    looks_like="make: execvp: /bin/sh: Argument list too long",
    explanation="The system gives a new program room for its words and the environment together (Linux: a quarter of "
    "the stack's limit, and 128 KiB a word, as which make hands a whole command to the shell; macOS: 1 MiB; Windows: "
    "32 KiB). Thousands of objects in a deep directory exceed it, and so does a variable (CFLAGS, PATH) that grows "
    "with each make in make.",
    fix="Build in a directory with a short path, and in a new terminal without variables that have grown "
    "(env | wc -c); on Linux raise the limit: ulimit -s 65536. What lasts is a file of arguments: gcc, ld "
    "and ar take @FILE, make writes one with $(file >FILE,$^), and CMake and ninja do it by themselves.",
    links=(
        "https://github.com/nasa/trick/issues/1155",
        "https://github.com/flame/libflame/issues/29",
        "https://github.com/4ms/metamodule/issues/74",
    ),
    explains=("pip-build-failed", "tool-missing", "compiler-missing"),
)
