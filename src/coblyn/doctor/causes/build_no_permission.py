"""The build may not write where it has to."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "build-no-permission",
    "The build may not write to a directory",
    sign(
        r"file cannot create directory: (?P<path>[^\n]{1,300}?)\.? Maybe need administrative "
        r"privileges",
        "Installing into {path} takes more rights than this user has.",
        text="Install with sudo, or into a directory of your own: cmake --install build --prefix "
        "~/.local.",
        command="cmake --install build --prefix ~/.local",
    ),
    sign(r"CMake Error: Unable to open cache file for saving\. (?P<path>[^\n]{0,300})"),
    sign(r"CMake Error: Cannot open file for write: (?P<path>[^\n]{1,300})"),
    sign(
        r"CMake Error at [^\n]{0,200}\(file\): file (?:INSTALL )?cannot (?:copy|set permissions on"
        r"|create)[^\n]{0,20} file \"[^\"\n]{1,300}\" to \"(?P<path>[^\"\n]{1,300})\": (?:Permission denied"
        r"|Operation not permitted)",
        "Nothing may be written to {path}.",
    ),
    sign(
        r"(?:fatal error|error|Fatal error): (?:error opening|can't (?:create|open)|unable to "
        r"open output file|cannot open"
        r"(?: output)? file) [^\n]{1,300}?(?:Permission denied|Read-only file system)",
    ),
    sign(r"ninja: (?:error|fatal): [^\n]{0,200}Permission denied"),
    sign(
        r"ERROR: Could not install packages due to an OSError: \[(?:Errno|WinError) (?:13|5)\]",
        "pip may not write to the directory of this Python's packages.",
        text="Use a virtual environment: python -m venv .venv, then its pip.",
        command="python -m venv .venv",
    ),
    sign(
        r"^mkdir: (?:cannot create directory )?[^\n]{1,200}: Permission denied",
        sure=Confidence.MEDIUM,
    ),
    looks_like="Permission denied; Unable to open cache file for saving; Maybe need "
    "administrative privileges",
    explanation="A build directory that an earlier sudo made belongs to root, and a mounted source tree may be "
    "read-only. Building once more with sudo makes it worse.",
    fix='Give the build directory back to yourself (sudo chown -R "$USER" build), or build in a '
    "fresh one.",
    links=(
        "https://github.com/CHIP-SPV/chipStar/issues/537",
        "https://github.com/ANTsX/ANTs/issues/1586",
    ),
)
