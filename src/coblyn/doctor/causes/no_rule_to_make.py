"""A makefile that names a file which the tree does not have."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "no-rule-to-make",
    "The makefile needs a file that is not there",
    sign(
        r"\*\*\* No rule to make target [`'\"](?P<file>[^'\"\n]{1,300})['\"], needed by "
        r"[`'\"](?P<target>[^'\"\n]{1,300})['\"]",
        "{target} is made from {file}, which is not in the tree and which no rule makes.",
    ),
    sign(
        r"ninja: error: '(?P<file>[^'\n]{1,300})', needed by '(?P<target>[^'\n]{1,300})', missing and no known rule",
        "{target} is made from {file}, which is not in the tree and which no rule makes.",
    ),
    sign(
        r"\*\*\* No rule to make target [`'\"](?P<file>[^'\"\n]{1,300})['\"]\.",
        "make was asked for {file}, and the makefile here has no such target.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"\*\*\* No targets specified and no makefile found",
        "There is no makefile in this directory.",
        text="Change to the directory that has the Makefile; where the project has moved to CMake (llama.cpp and "
        "whisper.cpp have): cmake -B build && cmake --build build.",
    ),
    looks_like="make: *** No rule to make target 'ggml-metal.m', needed by 'ggml-metal.o'. Stop.",
    explanation="Makefile and sources are of different releases: files were moved or renamed, and the makefile, the "
    "build directory or the script that calls make is of before. Or the checkout is incomplete.",
    fix="Bring all of the tree to one release (git status must show nothing changed: git checkout . && git submodule "
    "update --init --recursive), clear the build directory, and build again. llama.cpp and whisper.cpp are built with "
    "CMake now.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/629",
        "https://github.com/ggml-org/whisper.cpp/pull/2952",
        "https://github.com/antimatter15/alpaca.cpp/issues/6",
    ),
)
