"""A program that a build runs, and that is not installed."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_TOOL = (
    r"(?P<name>xxd|nasm|yasm|pkg-config|bison|flex|gperf|perl|python3?|autoreconf|aclocal|"
    r"automake|libtoolize|m4|"
    r"unzip|curl|wget|rsync|patch|protoc|swig|ccache|objcopy|strip|ar|ranlib|makeinfo|gmake|meson|"
    r"go|cargo|rustc|"
    r"node|npm|xcodebuild|install_name_tool)"
)
_STORY = "{name} was started, and there is no such program."
_FAILED = r"\*\*\*|ninja: build stopped|Error \d|error: |CMake Error|exited with"

CAUSE = log_cause(
    "tool-missing",
    "A program that the build runs is not installed",
    sign(rf"make(?:\[\d+\])?: {_TOOL}: (?:Command not found|No such file or directory)", _STORY,
         package="{name}", also=r"\*\*\*"),
    sign(rf"(?:/bin/)?(?:sh|bash|zsh|dash): (?:line )?(?:\d+: )?{_TOOL}: (?:command )?not found", _STORY,
         package="{name}", also=_FAILED, sure=Confidence.MEDIUM),
    sign(rf"'{_TOOL}' is not recognized as an internal or external command", _STORY,
         package="{name}", also=_FAILED, sure=Confidence.MEDIUM),
    # Make's own words, of whatever name; 127 is the shell's code for a program that is not there.
    sign(r"make(?:\[\d+\])?: (?P<name>[\w.+/-]{1,80}): (?:Command not found|No such file or directory)\n"
         r"[^\n]{0,20}make(?:\[\d+\])?: \*\*\* \[[^\n]{1,300}\] Error 127", _STORY),
    looks_like="make: xxd: Command not found",
    explanation="A step of the build runs a program of the system, which is in a package of its "
                "own.",
    fix="Install it with the system's package manager, then build again.",
    links=(),
    needs="The shell's or make's words that a program is not there, and a build that failed.",
    explains=("pip-build-failed", ),
)  # fmt: skip
