"""A build without a compiler."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_NAME = (
    r"(?P<name>(?:x86_64-linux-gnu-|aarch64-linux-gnu-|arm-linux-gnueabihf-)?"
    r"(?:cc|gcc|g\+\+|c\+\+|clang|clang\+\+)(?:-\d+)?)"
)
_STORY = "{name} was started, and there is no such program."

CAUSE = log_cause(
    "compiler-missing",
    "There is no compiler",
    sign(rf"make(?:\[\d+\])?: {_NAME}: (?:Command not found|No such file or directory)", _STORY, package="compiler"),
    sign(rf"(?:sh|bash|zsh)(?:: line)?:? ?(?:\d+: )?{_NAME}: (?:command )?not found", _STORY, package="compiler",
         also=r"\*\*\*|ninja: build stopped|error:|Error \d"),
    sign(rf"error: command '{_NAME}' failed: No such file or directory", _STORY, package="compiler"),
    sign(rf"unable to execute '{_NAME}': No such file or directory", _STORY, package="compiler"),
    sign(
        rf"'{_NAME}' is not recognized as an internal or external command",
        _STORY,
        package="compiler",
        also=r"\*\*\*|error:|Error \d|failed",
    ),
    sign(
        r"Failed to find tool\. Is [`'](?P<name>[\w.+-]{1,40})[`'] installed\?",
        "Rust's build script starts {name}, and there is no such program.",
        package="compiler",
    ),
    sign(
        rf"error: linker `{_NAME}` not found",
        "Rust links with {name}, and there is no such program.",
        package="compiler",
    ),
    sign(
        r"(?P<name>g\+\+|gcc|cc|c\+\+|clang): (?:fatal error|error): cannot execute "
        r"'?(?P<part>cc1plus|cc1|as|cc1obj)'?: "
        r"[^\n]{0,60}No such file",
        "{name} is there, but not its part {part}: the package of that language is not installed.",
        package="c++",
    ),
    sign(
        r"(?P<name>gcc|cc|g\+\+|c\+\+): error trying to exec '(?P<part>cc1plus|cc1|as)': execvp: "
        r"No such file",
        "{name} is there, but not its part {part}: the package of that language is not installed.",
        package="c++",
    ),
    looks_like="make: cc: Command not found; error: command 'gcc' failed: No such file or directory",
    explanation="The build starts a C or C++ compiler, which is not installed, or not under that "
                "name (CC, CXX).",
    fix="Install a compiler; if there is one under another name, choose it: make CC=clang "
        "CXX=clang++.",
    links=("https://github.com/ggml-org/llama.cpp/issues/6727", "https://github.com/zylon-ai/private-gpt/issues/337"),
    needs="The shell's or make's words that a compiler is not there.",
    explains=("pip-build-failed", "tool-missing", ),
)  # fmt: skip
