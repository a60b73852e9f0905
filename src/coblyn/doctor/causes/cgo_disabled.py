"""Go without C: the files that call native code are left out."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cgo-disabled",
    "Go builds without cgo, and leaves the native code out",
    sign(
        r"build constraints exclude all Go files in (?P<path>[^\n]{1,200})",
        "All files of {path} need what this build does not have.",
    ),
    sign(
        r"\.go:\d+:\d+: undefined: (?P<name>[\w.]*(?:GPU|gpu|native|Native|ExtServer|extServer|llama|Llama|ggml|"
        r"C\.)\w*)",
        "{name} is in a file that the build left out: those that call C are compiled only with cgo.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"C source files not allowed when not using cgo or SWIG: (?P<name>[^\n]{1,200})",
        "{name} are files in C, which this build leaves out.",
    ),
    sign(
        r"cgo: C compiler \"(?P<name>[^\"\n]{1,100})\" not found",
        "cgo starts {name}, and there is no such program.",
        package="compiler",
    ),
    looks_like="build constraints exclude all Go files; undefined: gpu.GetGPUInfo",
    explanation="Go compiles files with C in them only if cgo is on: it is off in cross builds, with CGO_ENABLED=0, "
    "and where no C compiler is found.",
    fix="Install a C compiler (on Windows MinGW's gcc), set CGO_ENABLED=1, run the project's generate step (go "
    "generate ./... or cmake), then go build.",
    links=("https://github.com/ollama/ollama/issues/1694",),
    explains=("go-binding-mismatch",),
)
