"""A path or command longer than Windows takes."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_ON = (
    "reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\FileSystem /v LongPathsEnabled /t "
    "REG_DWORD /d 1 /f"
)

CAUSE = log_cause(
    "windows-long-path",
    "A path is longer than Windows takes",
    sign(r"The filename or extension is too long", command=_ON),
    sign(r"WinError 206", command=_ON),
    sign(r"error MSB3491[^\n]{0,300}(?:exceeds the OS max path limit|too long)", command=_ON),
    sign(
        r"MSB4248|error [A-Z]+\d*: [^\n]{0,300}The fully qualified file name must be less than "
        r"260 characters"
    ),
    sign(r"The specified path, file name, or both are too long"),
    sign(
        r"The object file directory [^\n]{1,400} has \d+ characters\. The maximum full path to "
        r"an object file is",
        also=r"\berror\b|FAILED|fatal error",
    ),
    sign(
        r"(?:fatal|error): [^\n]{0,300}: Filename too long",
        command="git config --system core.longpaths true",
    ),
    sign(
        r"HINT: This error might have occurred since this system does not have Windows Long Path "
        r"support enabled",
        command=_ON,
    ),
    sign(r"The command line is too long|The input line is too long"),
    looks_like="The filename or extension is too long; Filename too long",
    explanation="Without long paths enabled, Windows takes 260 letters. pip builds deep under the user's Temp "
    "directory, and the Vulkan and CUDA sources add long names to that.",
    fix="Enable long paths (as administrator, then restart), or build from a short directory: "
    "set TMP and TEMP to C:\\t.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/2090",),
    explains=("pip-build-failed",),
)
