"""macOS without its command line tools, as after most upgrades of the system."""

from __future__ import annotations

from coblyn.doctor.causes._machine import no_command_line_tools
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also

CAUSE = log_cause(
    "xcode-tools-missing",
    "macOS's command line tools are missing",
    sign(
        r"xcrun: error: invalid active developer path \((?P<path>[^)\n]{1,200})\)",
        "The developer tools should be at {path}, and are not there.",
        command="xcode-select --install",
    ),
    sign(
        r"xcrun: error: active developer path \(\"(?P<path>[^\"\n]{1,200})\"\) does not exist",
        "The developer tools should be at {path}, and are not there.",
        command="sudo xcode-select --reset",
    ),
    sign(
        r"xcode-select: (?:error|note): [Nn]o developer tools were found",
        command="xcode-select --install",
    ),
    sign(
        r"xcrun: error: SDK \"macosx[\d.]*\" cannot be located",
        "The tools are there, but not the SDK of macOS.",
        command="sudo xcode-select --reset",
    ),
    looks_like="xcrun: error: invalid active developer path "
    "(/Library/Developer/CommandLineTools), missing xcrun",
    explanation="The compiler, make and git of macOS come with the command line tools. An upgrade of macOS removes "
    "or breaks them, and a path chosen with xcode-select may be gone.",
    fix="Install the command line tools, then build again in a fresh build directory.",
    links=("https://github.com/EarthScope/dataselect/issues/9",),
    explains=("compiler-missing", "tool-missing", "system-headers-missing"),
)

CAUSE = also(CAUSE, lambda case: no_command_line_tools(CAUSE, case))
