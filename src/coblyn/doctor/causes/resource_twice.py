"""A file that a package takes twice, since a build directory lies in its sources."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_BUILT = r"/(?:build[\w.-]*|\.build|out|cmake-build[\w-]*|DerivedData|bin|install)/"

CAUSE = log_cause(
    "resource-twice",
    "One resource is in the source tree twice",
    sign(
        r"[Mm]ultiple commands produce '(?P<product>[^'\n]{1,400})'[^$]{0,600}?"
        rf"from '(?P<copy>/[^'\n]{{1,200}}?{_BUILT}[^'\n]{{1,200}})'",
        "{product} would be copied from two places; one of them, {copy}, is in a build directory.",
        text="Move that build directory out of the source tree, or delete it, then build again.",
    ),
    sign(
        r"multiple resources named '(?P<name>[^'\n]{1,200})' in target '(?P<target>[^'\n]{1,100})'",
        "The target {target} finds {name} twice below its directory.",
        text="Move a build directory that lies in the sources (build/, .build/) out of them, or delete it, then build "
        "again.",
    ),
    sign(
        r"[Mm]ultiple commands produce '(?P<product>[^'\n]{1,400})'",
        "{product} would be copied from two places.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: Multiple commands produce '…/ggml-metal.metal'; multiple resources named 'ggml-metal.metal'",
    explanation="Xcode and SwiftPM take every file below a target's directory. A build directory of CMake's in there "
    "holds a second copy of resources such as the Metal shaders.",
    fix="Keep one of the two files: move or delete the build directory in the source tree, or take the second one out "
    "of the target's resources.",
    links=(
        "https://github.com/rudrankriyam/Foundation-Models-Framework-Lab/issues/33",
        "https://github.com/ggml-org/llama.cpp/pull/10211",
    ),
)
