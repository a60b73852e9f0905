"""Go's binding of a C library, and a header of that library of another release."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "go-binding-mismatch",
    "The Go package and the C header that it binds are of different releases",
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,300}\.go):\d+:\d+: could not determine kind of name for "
        r"C\.(?P<name>\w{1,100})",
        "{file} uses C.{name}, which the header does not have.",
    ),
    sign(
        r"\.go:\d+:\d+: (?:cannot use|too (?:many|few) arguments|not enough arguments in call|unknown "
        r"field)[^\n]{0,120}"
        r"\b_?C(?:\.|_?func_|type_|struct_)(?P<name>\w{1,80})",
        "The Go code calls {name} otherwise than the header declares it.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"\.go:\d+:\d+: undefined: (?P<name>min|max|clear|any|cmp\.\w{1,20}|slices\.\w{1,30}|maps\.\w{1,30})$",
        "{name} is of a newer Go than the one that compiles.",
        text="Install the Go that go.mod asks for (go version shows which there is).",
    ),
    sign(
        r"\.go:\d+:\d+: undefined: (?P<name>[a-z]\w{1,40}\.[A-Z]\w{1,80})$",
        "The Go code uses {name}, which the package that was found does not have: it is of another release, or the "
        "files that have it were left out.",
        text="Bring the packages of the project to the commits that it names (make clean, then its prepare step; git "
        "submodule update --init --recursive; go mod tidy), with CGO_ENABLED=1 and a C compiler.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="whisper.go:74:15: could not determine kind of name for C.WHISPER_N_MEL",
    explanation="A binding is written for one release of the C library. The header that cgo finds, in "
    "C_INCLUDE_PATH, in /usr/local/include or in the sources beside it, is of another, in which names were added or "
    "removed.",
    fix="Take both from one release: go get the binding's version that belongs to the library's (for whisper.cpp a "
    "go.mod with the same commit), and let C_INCLUDE_PATH and LIBRARY_PATH lead to that library alone.",
    links=(
        "https://github.com/ggml-org/whisper.cpp/issues/1612",
        "https://github.com/NVIDIA/nvkind/issues/6",
    ),
)
