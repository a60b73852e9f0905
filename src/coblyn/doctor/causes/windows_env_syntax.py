"""A variable set in the way of another shell."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence, Severity

CAUSE = log_cause(
    "windows-env-syntax",
    "The variable was set in the syntax of another shell",
    sign(
        r"'(?P<name>CMAKE_ARGS|FORCE_CMAKE|LLAMA_\w+|GGML_\w+|export|CC|CXX)' is not recognized "
        r"as an internal or external command",
        "The command prompt took {name} for a program.",
        command='set "CMAKE_ARGS=-DGGML_CUDA=on" && pip install llama-cpp-python --no-cache-dir '
        "--force-reinstall",
    ),
    sign(
        r"[Tt]he term '(?P<name>(?:CMAKE_ARGS|FORCE_CMAKE|LLAMA_\w+|GGML_\w+|CC|CXX)=[^'\n]{0,80}|"
        r"export)' is not recognized",
        "PowerShell took {name} for a program.",
        command='$env:CMAKE_ARGS="-DGGML_CUDA=on"; pip install llama-cpp-python --no-cache-dir '
        "--force-reinstall",
    ),
    sign(
        r"^[^\n]{0,80}>[ ]?set CMAKE_ARGS=\"[^\"\n]+\" *$",
        "In the command prompt, set takes the quotes as part of the value, and CMake then "
        "ignores or misreads it.",
        command='set "CMAKE_ARGS=-DGGML_CUDA=on"',
        sure=Confidence.LOW,
        severity=Severity.RISK,
    ),
    looks_like="'CMAKE_ARGS' is not recognized as an internal or external command",
    explanation="NAME=value before a command is of Unix shells. The command prompt has set "
    '“NAME=value”, PowerShell $env:NAME="value".',
    fix="Set the variable first, in this shell's own way; then run the command in the same window.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/509",),
)
