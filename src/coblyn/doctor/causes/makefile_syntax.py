"""A makefile that this make can not read."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "makefile-syntax",
    "This make can not read the makefile",
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,200}):(?P<line>\d+): \*{1,3}[\\*]{0,4} ?missing separator(?! \(did "
        r"you mean TAB)",
        "Line {line} of {file} is none that GNU make understands.",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,200}):(?P<line>\d+): \*{1,3} ?missing separator \(did you mean TAB",
        "Line {line} of {file} begins with spaces where a tab belongs.",
    ),
    sign(
        r"make(?:\[\d+\])?: \"?(?P<file>[^\"\n]{1,200})\"? line (?P<line>\d+): (?:Need an operator|Missing "
        r"dependency operator"
        r"|Invalid line|Unassociated shell command)",
        "BSD's make reads line {line} of {file}, which is written for GNU make.",
        command="gmake",
        text="Install GNU make and use it: gmake in place of make.",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,200}):(?P<line>\d+): \*\*\* (?:recipe commences before first target|commands "
        r"commence before first target|missing (?:'endif'|`endif')|extraneous (?:'endif'|`endif'|'else'|`else')"
        r"|unterminated call to function|unterminated variable reference|missing rule before|empty variable name"
        r"|invalid (?:syntax in )?conditional|only one 'else'|insufficient number of arguments|target pattern "
        r"contains no '%'|mixed implicit and (?:normal|static pattern) rules)",
        "Line {line} of {file} is none that this GNU make understands.",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,200}):(?P<line>\d+): \*\*\* multiple target patterns",
        "Line {line} of {file} has a second colon: a Windows path (C:\\...) or a time in a file that make reads.",
        text="Give make paths without a drive letter (MSYS2: /c/...; else relative ones), and delete the dependency "
        "files (*.d) of an earlier build: make clean.",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,200}):(?P<line>\d+): \*\*\* Recursive variable "
        r"'(?P<name>[^'\n]{1,80})' references itself",
        "{name} is set to itself with “=” in line {line} of {file}, or so in the environment.",
        text="Write := or += in place of =, and do not pass {name} with $({name}) in it on make's command line.",
    ),
    sign(
        r"NMAKE : fatal error U10(?:33|36|01|34): (?P<what>[^\n]{1,120})",
        "NMAKE reads a makefile that is written for GNU make: {what}.",
        text="Use GNU make (from w64devkit or MSYS2), or CMake.",
    ),
    looks_like="Makefile:54: *** missing separator. Stop.",
    explanation="A makefile is written for one make: GNU make, BSD's, or NMAKE; and its recipes begin with a tab, "
    "which editors, web pages and copying turn into spaces. A file that is not a makefile at all (a saved web page, "
    "the marks of a merge) looks the same.",
    fix="Use the make that the project asks for (on BSD: gmake), and take the makefile from the project again if it "
    "was edited or copied.",
    links=(
        "https://github.com/MidnightBSD/src/issues/2",
        "https://github.com/nanobyte-dev/nanobyte_os/issues/8",
        "https://github.com/longsleep/build-pine64-image/issues/8",
    ),
)
