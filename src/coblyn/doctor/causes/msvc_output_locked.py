"""The linker may not write its output: a running program holds it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "msvc-output-locked",
    "A program that is running holds the file to be written",
    sign(
        r"LNK1104: cannot open file ['\"](?P<path>[^'\"\n]{1,300}\.(?:exe|dll|pyd|node))['\"]",
        "The linker may not write {path}.",
    ),
    sign(
        r"LNK1168: cannot open (?P<path>[^\n]{1,300}?) for writing",
        "The linker may not write {path}.",
    ),
    sign(
        r"cannot open output file (?P<path>[^\n:]{1,300}\.(?:exe|dll)): Permission denied",
        "The linker may not write {path}.",
    ),
    sign(
        r"fatal error C1041: cannot open program database",
        text="Add /FS to the compiler's flags, or build with one job.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"ERROR: Could not install packages due to an OSError: \[WinError "
        r"(?:5|32)\][^\n]{0,200}['\"](?P<path>[^'\"\n]{1,300})['\"]",
        "pip may not replace {path}, which a running Python has loaded.",
        text="End the Python programs (and notebooks) that use it, then install again.",
    ),
    sign(
        r"The process cannot access the file[^\n]{0,300}because it is being used by another process"
    ),
    looks_like="LINK : fatal error LNK1104: cannot open file 'bin\\Release\\llama-server.exe'",
    explanation="Windows does not let a file be replaced while a program runs from it; a server that was left "
    "running, a debugger or a virus scanner holds it.",
    fix="End that program, then build again.",
    links=(
        "https://github.com/microsoft/vcpkg/issues/43128",
        "https://github.com/MicrosoftDocs/cpp-docs/issues/814",
    ),
    explains=("msvc-library-missing",),
)
